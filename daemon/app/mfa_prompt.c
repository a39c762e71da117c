/* See app/mfa_prompt.h. */
#include "app/mfa_prompt.h"

#include "base/buf.h"
#include "base/text.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* The reading blocks the loop, so that the loop's own handlers would come to nothing meanwhile. */
static const int deadly[] = {SIGINT, SIGTERM};

#define DEADLY (sizeof deadly / sizeof deadly[0])

static struct {
    int fd; /* -1: there is nothing to restore */
    struct termios before;
} asking = {.fd = -1};

static void restore(void)
{
    if (asking.fd >= 0) {
        tcsetattr(asking.fd, TCSAFLUSH, &asking.before);
    }
}

static void on_deadly(int number)
{
    restore();
    ssize_t ignored = write(STDOUT_FILENO, "\n", 1);
    (void)ignored;
    _exit(128 + number);
}

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
    if (asking.fd >= 0) {
        struct termios silent = asking.before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(asking.fd, TCSAFLUSH, &silent);
    }
    ask(terminal, serial);
    bool read = read_line(terminal, code);
    restore();
    fputc('\n', terminal);
    return read;
}

static bool ask_anywhere(FILE *terminal, const char *serial, char code[CREDENTIALS_CODE_MAX])
{
    if (terminal != NULL) {
        return ask_terminal(terminal, serial, code);
    }
    ask(stderr, serial);
    return read_line(stdin, code);
}

bool mfa_prompt(void *ctx, const char *serial, char code[CREDENTIALS_CODE_MAX])
{
    FILE *terminal = fopen("/dev/tty", "r+e");
    struct sigaction ours = {.sa_handler = on_deadly}, before[DEADLY];
    (void)ctx;
    if (terminal != NULL && tcgetattr(fileno(terminal), &asking.before) == 0) {
        asking.fd = fileno(terminal);
    }
    sigemptyset(&ours.sa_mask);
    for (size_t i = 0; i < DEADLY; i++) {
        sigaction(deadly[i], &ours, &before[i]);
    }
    bool read = ask_anywhere(terminal, serial, code);
    for (size_t i = 0; i < DEADLY; i++) {
        sigaction(deadly[i], &before[i], NULL);
    }
    asking.fd = -1;
    if (terminal != NULL) {
        fclose(terminal);
    }
    return read;
}
