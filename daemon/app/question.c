/* See app/question.h. */
#include "app/question.h"

#include "app/say.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define WAIT_MS  (60 * 60 * TIME_MS_PER_SECOND)
#define TEXT_MAX 4096

/* Any thread may be the one that takes a signal, so that a handler alone does not wake who waits. */
static const int handled[] = {SIGINT, SIGTERM, SIGHUP, SIGCONT};
#define HANDLED (sizeof handled / sizeof handled[0])
static int wake[2];

bool question_possible(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

static void on_signal(int number)
{
    int before = errno;
    unsigned char byte = (unsigned char)number;
    ssize_t ignored = write(wake[1], &byte, 1);
    (void)ignored;
    errno = before;
}

/* What the process ignores, or dies of, stays so. */
static void take_over(struct sigaction before[HANDLED])
{
    struct sigaction ours = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&ours.sa_mask);
    for (size_t i = 0; i < HANDLED; i++) {
        sigaction(handled[i], NULL, &before[i]);
        bool is_own = before[i].sa_handler != SIG_DFL && before[i].sa_handler != SIG_IGN;
        if (is_own || handled[i] == SIGCONT) {
            sigaction(handled[i], &ours, NULL);
        }
    }
}

static void give_back(const struct sigaction before[HANDLED])
{
    for (size_t i = 0; i < HANDLED; i++) {
        sigaction(handled[i], &before[i], NULL);
    }
}

/* The next that came; 0: none. */
static int take_signal(void)
{
    unsigned char number;
    return read(wake[0], &number, 1) == 1 ? number : 0;
}

static enum question_answer read_answer(void)
{
    char answer[16] = "";
    if (fgets(answer, sizeof answer, stdin) == NULL) {
        fputc('\n', stderr);
    }
    bool yes = strcmp(answer, "y\n") == 0 || strcmp(answer, "Y\n") == 0 || strcmp(answer, "yes\n") == 0;
    return yes ? QUESTION_YES : QUESTION_NO;
}

/* Whether there is something to be read, be it a signal. */
static bool show_and_wait(const char *text)
{
    struct pollfd inputs[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = wake[0], .events = POLLIN}};
    tcflush(STDIN_FILENO, TCIFLUSH);
    fprintf(stderr, "%s [y/N] ", text);
    fflush(stderr);
    int ready = poll(inputs, 2, WAIT_MS);
    while (ready < 0 && errno == EINTR) { /* by ours, most likely */
        ready = poll(inputs, 2, WAIT_MS);
    }
    return ready > 0;
}

/* Whoever comes back to a job that he had stopped does not see the question any more: it is asked again. The
 * process's own handler hears of any other signal when it has its place again. */
static enum question_answer ask(const char *text)
{
    struct sigaction before[HANDLED];
    bool ready;
    int number;
    take_over(before);
    do {
        ready = show_and_wait(text);
        number = take_signal();
    } while (number == SIGCONT);
    give_back(before);
    while (number == 0 && (number = take_signal()) == SIGCONT) { /* one that came just now */
        number = 0;
    }
    if (number != 0 && raise(number) == 0) {
        fputc('\n', stderr);
        return QUESTION_SIGNAL;
    }
    if (ready) {
        return read_answer();
    }
    fputc('\n', stderr);
    return QUESTION_NO;
}

static enum question_answer try_to_ask(const char *text)
{
    if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0) {
        say("no answer can be waited for: %s", err_errno(errno));
        return QUESTION_NO;
    }
    enum question_answer answer = ask(text);
    close(wake[0]);
    close(wake[1]);
    return answer;
}

enum question_answer question_delete(int64_t rows, const char *where)
{
    char number[32];
    struct buf text;
    buf_init(&text, TEXT_MAX);
    buf_printf(&text, "Delete %s%s job execution%s", rows == 1 ? "this" : "these ",
               rows == 1 ? "" : text_thousands(number, rows), rows == 1 ? "" : "s");
    text_visible(&text, where);
    buf_char(&text, '?');
    enum question_answer answer = try_to_ask(buf_string(&text));
    buf_finish(&text);
    return answer;
}
