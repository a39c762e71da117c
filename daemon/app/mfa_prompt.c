/* See app/mfa_prompt.h. */
#include "app/mfa_prompt.h"

#include "base/buf.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>

static void ask(FILE *to, const char *serial)
{
    struct buf visible;
    buf_init(&visible, 1024);
    text_visible(&visible, serial);
    fprintf(to, "Enter MFA code for %s: ", buf_string(&visible));
    fflush(to);
    buf_finish(&visible);
}

static bool read_line(FILE *from, char code[CREDENTIALS_CODE_MAX])
{
    if (fgets(code, CREDENTIALS_CODE_MAX, from) == NULL) {
        return false;
    }
    code[strcspn(code, "\r\n")] = '\0';
    return true;
}

static bool ask_terminal(FILE *terminal, const char *serial, char code[CREDENTIALS_CODE_MAX])
{
    struct termios before;
    bool known = tcgetattr(fileno(terminal), &before) == 0;
    if (known) {
        struct termios silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(fileno(terminal), TCSAFLUSH, &silent);
    }
    ask(terminal, serial);
    bool read = read_line(terminal, code);
    if (known) {
        tcsetattr(fileno(terminal), TCSAFLUSH, &before);
    }
    fputc('\n', terminal);
    return read;
}

bool mfa_prompt(void *ctx, const char *serial, char code[CREDENTIALS_CODE_MAX])
{
    FILE *terminal = fopen("/dev/tty", "r+e");
    (void)ctx;
    if (terminal == NULL) {
        ask(stderr, serial);
        return read_line(stdin, code);
    }
    bool read = ask_terminal(terminal, serial, code);
    fclose(terminal);
    return read;
}
