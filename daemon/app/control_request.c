/* See app/control_request.h. */
#include "app/control_request.h"

#include "aws/json.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const NAMES[] = {
    [CONTROL_STATUS] = "status", [CONTROL_RUN] = "run",       [CONTROL_PAUSE] = "pause",
    [CONTROL_RESUME] = "resume", [CONTROL_RELOAD] = "reload", NULL};

/* The object while its members are read; the first that is wrong stays. */
struct reading {
    struct control_request *request;
    bool has_command;
    struct err *err;
    bool failed;
};

const char *control_command_name(enum control_command command)
{
    return NAMES[command];
}

__attribute__((format(printf, 2, 3))) static void refuse(struct reading *reading, const char *format, ...)
{
    char text[sizeof reading->err->msg];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!reading->failed) {
        err_set(reading->err, ERR_INVALID, "%s", text);
    }
    reading->failed = true;
}

static void read_command(struct reading *reading, const char *word)
{
    for (int i = 0; word != NULL && NAMES[i] != NULL; i++) {
        if (strcmp(NAMES[i], word) == 0) {
            reading->request->command = (enum control_command)i;
            reading->has_command = true;
            return;
        }
    }
    refuse(reading, "unknown command \"%.64s\"", word != NULL ? word : "");
}

static bool is_name(const char *text)
{
    return text != NULL && *text != '\0' && strlen(text) <= CONTROL_NAME_MAX;
}

static void read_policies(struct reading *reading, const struct json_value *value)
{
    struct control_request *request = reading->request;
    size_t count = json_count(value);
    if (!json_is_array(value) || count == 0 || count > CONTROL_POLICIES_MAX || request->policies != NULL) {
        refuse(reading, "\"policies\" must be a list of 1 to %d names, once", CONTROL_POLICIES_MAX);
        return;
    }
    request->policies = mem_calloc(count, sizeof request->policies[0]);
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string(json_at(value, i));
        if (!is_name(name)) {
            refuse(reading, "\"policies\" must be a list of names");
            return;
        }
        request->policies[request->policy_count++] = mem_strdup(name);
    }
}

static void read_truth(struct reading *reading, const char *key, const struct json_value *value, bool *truth)
{
    if (!json_truth(value, truth)) {
        refuse(reading, "\"%s\" must be true or false", key);
    }
}

static void on_member(void *ctx, const char *key, const struct json_value *value)
{
    struct reading *reading = ctx;
    struct control_request *request = reading->request;
    bool wait = true;
    if (strcmp(key, "command") == 0) {
        read_command(reading, json_string(value));
    } else if (strcmp(key, "policies") == 0) {
        read_policies(reading, value);
    } else if (strcmp(key, "target") == 0 && is_name(json_string(value)) && request->target == NULL) {
        request->target = mem_strdup(json_string(value));
    } else if (strcmp(key, "all") == 0) {
        read_truth(reading, key, value, &request->all);
    } else if (strcmp(key, "wait") == 0) {
        read_truth(reading, key, value, &wait);
        request->no_wait = !wait;
    } else {
        refuse(reading, "\"%.64s\" is not known, or not as it must be", key);
    }
}

static void check(struct reading *reading)
{
    const struct control_request *request = reading->request;
    bool runs = request->command == CONTROL_RUN;
    if (!reading->has_command) {
        refuse(reading, "\"command\" is missing");
    } else if (runs && request->policy_count == 0) {
        refuse(reading, "\"policies\" is missing");
    } else if ((!runs && (request->policy_count > 0 || request->target != NULL || request->no_wait)) ||
               (request->all && request->command != CONTROL_STATUS)) {
        refuse(reading, "%s does not take all of this", NAMES[request->command]);
    }
}

int control_request_parse(struct control_request *request, const char *line, size_t length, struct err *err)
{
    struct reading reading = {.request = request, .err = err};
    *request = (struct control_request){0};
    struct json_doc *doc = json_parse(line, length, err);
    if (doc == NULL) {
        return err_context(err, "the request is no JSON");
    }
    if (json_is_object(json_root(doc))) {
        json_members(json_root(doc), on_member, &reading);
        check(&reading);
    } else {
        refuse(&reading, "the request must be an object");
    }
    json_free(doc);
    return reading.failed ? -1 : 0;
}

void control_request_finish(struct control_request *request)
{
    for (size_t i = 0; i < request->policy_count; i++) {
        free(request->policies[i]);
    }
    free(request->policies);
    free(request->target);
    *request = (struct control_request){0};
}

void control_request_print(const struct control_request *request, struct buf *out)
{
    buf_printf(out, "{\"command\":\"%s\"", NAMES[request->command]);
    for (size_t i = 0; i < request->policy_count; i++) {
        buf_text(out, i == 0 ? ",\"policies\":[" : ",");
        text_json(out, request->policies[i]);
    }
    buf_text(out, request->policy_count > 0 ? "]" : "");
    if (request->target != NULL) {
        buf_text(out, ",\"target\":");
        text_json(out, request->target);
    }
    buf_text(out, request->all ? ",\"all\":true" : "");
    buf_text(out, request->no_wait ? ",\"wait\":false" : "");
    buf_text(out, "}\n");
}
