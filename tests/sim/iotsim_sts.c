/* STS: the actions that make sessions, and who one is. Sources: service model `sts` 2011-06-15 and the API
 * reference's pages of AssumeRole and AssumeRoleWithWebIdentity. */
#include "aws/json.h"
#include "base/text.h"
#include "base/time.h"
#include "sim/iotsim_route.h"

#include <stdio.h>
#include <string.h>

#define POLICY_MAX        2048
#define DURATION_LEAST_S  900
#define DURATION_S        3600
#define CHAINED_MAX_S     3600 /* "role chaining limits your session to a maximum of one hour" */
#define SESSION_NAME_WORD "[\\w+=,.@-]*"

void iotsim_xml(struct buf *out, const char *text)
{
    static const struct {
        char c;
        const char *text;
    } references[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}};

    for (; *text; text++) {
        size_t i = 0;
        while (i < 4 && references[i].c != *text) {
            i++;
        }
        if (i < 4) {
            buf_text(out, references[i].text);
        } else {
            buf_char(out, *text);
        }
    }
}

/* --- what is asked --- */

struct wish {
    const char *role_arn, *name;
    int64_t duration_s;
    struct iotsim_role *role;
    struct iam_policy *session;
};

static bool refuse_member(struct iotsim_asked *asked, const char *member, const char *why)
{
    iotsim_refuse(asked->reply, 400, "ValidationError",
                  "1 validation error detected: Value at '%s' failed to satisfy constraint: Member must %s",
                  member, why);
    return false;
}

static bool session_name_valid(const char *name)
{
    size_t length = strlen(name);

    return length >= 2 && length <= IOTSIM_SESSION_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-") == length;
}

static bool read_wish(struct iotsim_asked *asked, struct wish *wish)
{
    const char *duration = iotsim_asked_param(asked, "DurationSeconds");

    wish->role_arn = iotsim_asked_param(asked, "RoleArn");
    wish->name = iotsim_asked_param(asked, "RoleSessionName");
    wish->duration_s = DURATION_S;
    if (!wish->role_arn || strlen(wish->role_arn) < 20 || strlen(wish->role_arn) > IOTSIM_ARN_MAX) {
        return refuse_member(asked, "roleArn", "have length between 20 and 2048");
    }
    if (!wish->name || !session_name_valid(wish->name)) {
        return refuse_member(asked, "roleSessionName",
                             "satisfy regular expression pattern: " SESSION_NAME_WORD
                             " and have length between 2 and 64");
    }
    if (duration && !text_int64(duration, DURATION_LEAST_S, 43200, &wish->duration_s)) {
        return refuse_member(asked, "durationSeconds", "have value between 900 and 43200");
    }
    return true;
}

/* The policy's bytes but for white space outside of its strings: what counts of STS's packed format is not
 * known, only that it is less than the text. */
static int64_t packed_size(const char *text)
{
    int64_t size = 0;
    bool inside = false;

    for (; *text; text++) {
        inside ^= *text == '"';
        size += inside || !strchr(" \t\r\n", *text);
        if (inside && *text == '\\' && text[1]) {
            text++;
            size++;
        }
    }
    return size;
}

static bool read_policy(struct iotsim *sim, struct iotsim_asked *asked, struct wish *wish)
{
    const char *text = iotsim_asked_param(asked, "Policy");
    int64_t most = sim->world.sessions.packed_policy_max;
    struct err err;

    if (!text) {
        return true;
    }
    if (strlen(text) < 1 || strlen(text) > POLICY_MAX) {
        return refuse_member(asked, "policy", "have length between 1 and 2048");
    }
    struct json_doc *doc = json_parse(text, strlen(text), &err);
    if (doc) {
        wish->session = iam_policy_read(json_root(doc), &err);
    } else {
        err_set(&err, ERR_SYNTAX, "This policy contains invalid Json");
    }
    json_free(doc);
    if (!wish->session) {
        iotsim_refuse(asked->reply, 400, "MalformedPolicyDocument", "%s", err.msg);
        return false;
    }
    asked->packed_percent = (int)(packed_size(text) * 100 / most);
    if (asked->packed_percent > 100) {
        iotsim_refuse(asked->reply, 400, "PackedPolicyTooLarge",
                      "Packed policy consumes %d%% of allotted space, please use smaller policy.",
                      asked->packed_percent);
        return false;
    }
    return true;
}

static bool deny(struct iotsim_asked *asked, const char *who, const char *action, const char *role_arn)
{
    char user[IOTSIM_ARN_MAX + 8];

    snprintf(user, sizeof(user), who ? "User: %s is not" : "Not", who);
    iotsim_refuse(asked->reply, 403, "AccessDenied", "%s authorized to perform: %s%s%s", user, action,
                  who ? " on resource: " : "", who ? role_arn : "");
    return false;
}

static bool short_enough(struct iotsim_asked *asked, const struct wish *wish)
{
    if (asked->caller && asked->caller->role && wish->duration_s > CHAINED_MAX_S) {
        iotsim_refuse(asked->reply, 400, "ValidationError",
                      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
                      "role chaining");
        return false;
    }
    if (wish->duration_s > wish->role->max_session_s) {
        iotsim_refuse(asked->reply, 400, "ValidationError",
                      "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
        return false;
    }
    return true;
}

/* --- AssumeRole --- */

/* The code of every device is 123456. */
static bool code_taken(struct iotsim_asked *asked)
{
    const char *code = iotsim_asked_param(asked, "TokenCode");

    if (!iotsim_asked_param(asked, "SerialNumber") || (code && strcmp(code, "123456") == 0)) {
        return true;
    }
    iotsim_refuse(asked->reply, 403, "AccessDenied",
                  "MultiFactorAuthentication failed with invalid MFA one time pass code.");
    return false;
}

static bool may_assume(struct iotsim *sim, struct iotsim_asked *asked, struct wish *wish)
{
    const char *external_id = iotsim_asked_param(asked, "ExternalId");
    const struct iotsim_key *caller = asked->caller;

    wish->role = iotsim_role_find(&sim->world, wish->role_arn);
    if (!iotsim_permits(caller, "sts:AssumeRole", wish->role_arn, asked->reply) || !code_taken(asked)) {
        return false;
    }
    if (!wish->role || !iotsim_role_trusts(wish->role, caller) ||
        (wish->role->external_id && (!external_id || strcmp(external_id, wish->role->external_id) != 0))) {
        return deny(asked, caller->arn, "sts:AssumeRole", wish->role_arn); /* a role that is not there, too */
    }
    return true;
}

static void assume(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms,
                   bool (*may)(struct iotsim *sim, struct iotsim_asked *asked, struct wish *wish))
{
    struct wish wish = {0};

    if (read_wish(asked, &wish) && read_policy(sim, asked, &wish) && may(sim, asked, &wish) &&
        short_enough(asked, &wish)) {
        asked->session =
            iotsim_session_make(&sim->world, wish.role, wish.name, wish.session, wish.duration_s, now_ms);
    } else {
        iam_policy_free(wish.session);
    }
}

void iotsim_assume_role(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    assume(sim, asked, now_ms, may_assume);
}

/* --- AssumeRoleWithWebIdentity --- */

static bool token_taken(struct iotsim *sim, struct iotsim_asked *asked)
{
    static const struct {
        int status;
        const char *code, *message;
    } refusals[WEB_MODE_COUNT] = {
        [WEB_IDP_DOWN] = {400, "IDPCommunicationError",
                          "The identity provider could not be reached. Please retry."},
        [WEB_EXPIRED] = {400, "ExpiredTokenException",
                         "Token expired: current date/time must be before the "
                         "expiration date/time"},
        [WEB_INVALID] = {400, "InvalidIdentityToken", "The ID Token provided is not a valid JWT."},
        [WEB_REJECTED] = {403, "IDPRejectedClaim", "The identity provider rejected the claim."},
    };
    const struct iotsim_world *world = &sim->world;
    const char *token = iotsim_asked_param(asked, "WebIdentityToken");
    enum iotsim_web_mode mode = world->web_mode;

    if (!token || strlen(token) < 4 || strlen(token) > 20000) {
        return refuse_member(asked, "webIdentityToken", "have length between 4 and 20000");
    }
    if (mode == WEB_OK && (!world->web_token || strcmp(token, world->web_token) != 0)) {
        mode = WEB_INVALID;
    }
    if (mode != WEB_OK) {
        iotsim_refuse(asked->reply, refusals[mode].status, refusals[mode].code, "%s", refusals[mode].message);
    }
    return mode == WEB_OK;
}

static bool may_assume_with_token(struct iotsim *sim, struct iotsim_asked *asked, struct wish *wish)
{
    if (!token_taken(sim, asked)) {
        return false;
    }
    wish->role = iotsim_role_find(&sim->world, wish->role_arn);
    return (wish->role && wish->role->web_identity) ||
           deny(asked, NULL, "sts:AssumeRoleWithWebIdentity", wish->role_arn);
}

void iotsim_assume_role_with_token(struct iotsim *sim, struct iotsim_asked *asked, int64_t now_ms)
{
    assume(sim, asked, now_ms, may_assume_with_token);
}

struct iotsim_place *iotsim_unsigned_place(struct iotsim *sim, const struct iotsim_asked *asked,
                                           int64_t now_ms)
{
    const char *arn = iotsim_asked_param(asked, "RoleArn");
    const struct iotsim_role *role = arn ? iotsim_role_find(&sim->world, arn) : NULL;
    struct iotsim_place *home = sim->world.home;

    return role ? iotsim_place_find(&sim->world, role->account, home->region, now_ms) : home;
}

/* --- bodies --- */

static void begin(struct buf *out, const char *action)
{
    buf_printf(out,
               "<%sResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
               "  <%sResult>\n",
               action, action);
}

static void end(const struct iotsim_asked *asked, struct buf *out)
{
    const char *action = asked->route->name;

    buf_printf(out,
               "  </%sResult>\n  <ResponseMetadata>\n    <RequestId>%s</RequestId>\n"
               "  </ResponseMetadata>\n</%sResponse>\n",
               action, asked->call.answer.request_id, action);
}

void iotsim_show_identity(const struct iotsim_asked *asked, struct buf *out)
{
    begin(out, asked->route->name);
    buf_text(out, "    <Arn>");
    iotsim_xml(out, asked->caller->arn);
    buf_printf(out, "</Arn>\n    <UserId>%s</UserId>\n    <Account>%s</Account>\n", asked->caller->user_id,
               asked->caller->account);
    end(asked, out);
}

void iotsim_show_session(const struct iotsim_asked *asked, struct buf *out)
{
    const struct iotsim_key *session = asked->session;
    char expiration[21];

    time_rfc3339(session->told_ms, expiration);
    begin(out, asked->route->name);
    if (iotsim_route_unsigned(asked->route)) {
        buf_text(out, "    <SubjectFromWebIdentityToken>sweeper</SubjectFromWebIdentityToken>\n"
                      "    <Audience>sts.amazonaws.com</Audience>\n");
    }
    buf_printf(out,
               "    <AssumedRoleUser>\n      <AssumedRoleId>%s</AssumedRoleId>\n      <Arn>%s</Arn>\n"
               "    </AssumedRoleUser>\n    <Credentials>\n      <AccessKeyId>%s</AccessKeyId>\n"
               "      <SecretAccessKey>%s</SecretAccessKey>\n      <SessionToken>%s</SessionToken>\n"
               "      <Expiration>%s</Expiration>\n    </Credentials>\n",
               session->user_id, session->arn, session->access_key, session->secret_key, session->token,
               expiration);
    if (session->session) {
        buf_printf(out, "    <PackedPolicySize>%d</PackedPolicySize>\n", asked->packed_percent);
    }
    end(asked, out);
}
