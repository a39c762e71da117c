/* See aws/cred_plan.h. Roles are collected from the outermost inwards, and stand in the plan the other way
 * round, behind the one step that they start from. */
#include "aws/cred_plan.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define INSTANCE_IPV4 "http://169.254.169.254"
#define INSTANCE_IPV6 "http://[fd00:ec2::254]"
#define CONTAINER     "http://169.254.170.2"

struct planner {
    struct cred_plan *plan;
    const struct profiles *profiles;
    const struct environment *env;
    enum credentials_fault *fault;
    struct err *err;
    struct cred_step roles[CRED_ROLES_MAX]; /* the outermost first */
    int role_count;
    const char *visited[CRED_ROLES_MAX + 1];
    int visited_count;
    size_t passed_length;
    bool code_can_be_typed;
};

/* What looking in one place came to. */
enum looked { LOOKED_NOTHING, LOOKED_FOUND, LOOKED_WRONG };

static enum looked refuse(struct planner *planner, enum credentials_fault fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum looked refuse(struct planner *planner, enum credentials_fault fault, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    planner->err->code = ERR_CREDENTIALS;
    vsnprintf(planner->err->msg, sizeof planner->err->msg, format, args);
    va_end(args);
    *planner->fault = fault;
    return LOOKED_WRONG;
}

static void pass_over(struct planner *planner, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void pass_over(struct planner *planner, const char *format, ...)
{
    struct cred_plan *plan = planner->plan;
    char text[160];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t room = sizeof plan->passed - planner->passed_length;
    int length = snprintf(plan->passed + planner->passed_length, room, "%s%s",
                          planner->passed_length > 0 ? "; " : "", text);
    planner->passed_length += (size_t)length < room ? (size_t)length : room - 1;
}

static const char *variable(const struct planner *planner, const char *name)
{
    return environment_get(planner->env, name);
}

static bool is_true(const char *value)
{
    return value != NULL && strcasecmp(value, "true") == 0;
}

/* A variable, else a key of the profile. */
static const char *setting(const struct planner *planner, const char *name, const char *profile,
                           const char *key)
{
    const char *value = variable(planner, name);
    return value != NULL ? value : profiles_get(planner->profiles, profile, key);
}

static char *copy(const char *text)
{
    return text != NULL ? mem_strdup(text) : NULL;
}

/* botocore makes a name up where one is empty. */
static char *copy_name(const char *text)
{
    return text != NULL && *text != '\0' ? mem_strdup(text) : NULL;
}

static struct cred_step *add(struct planner *planner, enum cred_kind kind, const char *profile)
{
    struct cred_step *step = &planner->plan->steps[planner->plan->count++];
    *step = (struct cred_step){.kind = kind, .profile = copy(profile)};
    return step;
}

/* --- where everything begins: sources that need no profile --- */

static bool has_environment_keys(const struct planner *planner)
{
    return variable(planner, "AWS_ACCESS_KEY_ID") != NULL ||
           variable(planner, "AWS_SECRET_ACCESS_KEY") != NULL;
}

static bool add_container(struct planner *planner, const char *profile)
{
    const char *path = variable(planner, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *uri = variable(planner, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    char text[2048];
    if (path == NULL && uri == NULL) {
        return false;
    }
    snprintf(text, sizeof text, "%s%s", path != NULL ? CONTAINER : "", path != NULL ? path : uri);
    struct cred_step *step = add(planner, CRED_CONTAINER, profile);
    step->uri = mem_strdup(text);
    step->auth_token_file = copy(variable(planner, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"));
    step->auth_token = copy(variable(planner, "AWS_CONTAINER_AUTHORIZATION_TOKEN"));
    return true;
}

static int64_t whole_number(const char *text, int64_t max, int64_t otherwise)
{
    int64_t number;
    return text != NULL && text_int64(text, 1, max, &number) ? number : otherwise;
}

static bool add_instance(struct planner *planner, const char *profile)
{
    if (is_true(variable(planner, "AWS_EC2_METADATA_DISABLED"))) {
        return false;
    }
    const char *uri =
        setting(planner, "AWS_EC2_METADATA_SERVICE_ENDPOINT", profile, "ec2_metadata_service_endpoint");
    const char *mode = setting(planner, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", profile,
                               "ec2_metadata_service_endpoint_mode");
    bool six = mode != NULL ? strcasecmp(mode, "ipv6") == 0
                            : is_true(setting(planner, "AWS_IMDS_USE_IPV6", profile, "imds_use_ipv6"));
    struct cred_step *step = add(planner, CRED_INSTANCE, profile);
    step->uri = mem_strdup(uri != NULL ? uri : six ? INSTANCE_IPV6 : INSTANCE_IPV4);
    step->v1_disabled =
        is_true(setting(planner, "AWS_EC2_METADATA_V1_DISABLED", profile, "ec2_metadata_v1_disabled"));
    step->timeout_ms = 1000 * whole_number(setting(planner, "AWS_METADATA_SERVICE_TIMEOUT", profile,
                                                   "metadata_service_timeout"),
                                           60, 1);
    step->attempts = (int)whole_number(
        setting(planner, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", profile, "metadata_service_num_attempts"), 10,
        1);
    return true;
}

/* --- one profile, but for roles that need a source --- */

static bool has_keys(const struct planner *planner, const char *profile)
{
    return profiles_get(planner->profiles, profile, "aws_access_key_id") != NULL ||
           profiles_get(planner->profiles, profile, "aws_secret_access_key") != NULL;
}

static bool has_role(const struct planner *planner, const char *profile)
{
    return profiles_get(planner->profiles, profile, "role_arn") != NULL &&
           profiles_get(planner->profiles, profile, "web_identity_token_file") == NULL;
}

/* Keys of the credentials file come before a command, and those of the config file behind it. A file has them
 * when it has an access key, as for the AWS CLI: a secret alone is passed over. */
static bool has_keys_in(const struct planner *planner, const char *profile, bool config_file)
{
    const char *origin = profiles_origin(planner->profiles, profile, "aws_access_key_id");
    return origin != NULL && (strcmp(origin, profiles_config_path(planner->profiles)) == 0) == config_file;
}

static enum looked look_web_identity(struct planner *planner, const char *profile, bool with_variables)
{
    static const char *const names[3][2] = {{"AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file"},
                                            {"AWS_ROLE_ARN", "role_arn"},
                                            {"AWS_ROLE_SESSION_NAME", "role_session_name"}};
    const char *values[3];
    for (int i = 0; i < 3; i++) {
        values[i] = with_variables ? setting(planner, names[i][0], profile, names[i][1])
                                   : profiles_get(planner->profiles, profile, names[i][1]);
    }
    if (values[0] == NULL) {
        return LOOKED_NOTHING;
    }
    if (values[1] == NULL) {
        return refuse(planner, CREDENTIALS_INVALID_CONFIG,
                      "The provided profile or the current environment is configured to assume role with web "
                      "identity but has no role ARN configured. Ensure that the profile has the "
                      "role_arn configuration set or the AWS_ROLE_ARN env var is set.");
    }
    struct cred_step *step = add(planner, CRED_WEB_IDENTITY, profile);
    step->token_file = mem_strdup(values[0]);
    step->role_arn = mem_strdup(values[1]);
    step->session_name = copy_name(values[2]);
    return LOOKED_FOUND;
}

enum { SSO_ROLE, SSO_ACCOUNT, SSO_START_URL, SSO_REGION, SSO_COUNT };
static const char *const SSO_KEYS[SSO_COUNT] = {"sso_role_name", "sso_account_id", "sso_start_url",
                                                "sso_region"};

/* The four values, from the profile and the session that it names; of both, they must agree. */
static enum looked take_sso(struct planner *planner, const char *profile, const char *session,
                            const char *values[SSO_COUNT])
{
    for (int i = 0; i < SSO_COUNT; i++) {
        const char *other =
            session != NULL ? profiles_section(planner->profiles, PROFILES_SSO_SESSION, session, SSO_KEYS[i])
                            : NULL;
        values[i] = profiles_get(planner->profiles, profile, SSO_KEYS[i]);
        if (values[i] != NULL && other != NULL && strcmp(values[i], other) != 0) {
            return refuse(planner, CREDENTIALS_INVALID_CONFIG,
                          "The value for %s is inconsistent between profile (%s) and sso-session (%s).",
                          SSO_KEYS[i], values[i], other);
        }
        values[i] = values[i] != NULL ? values[i] : other;
    }
    return LOOKED_FOUND;
}

static enum looked check_sso(struct planner *planner, const char *profile,
                             const char *const values[SSO_COUNT])
{
    char missing[128] = "";
    for (int i = 0; i < SSO_COUNT; i++) {
        if (values[i] == NULL) {
            size_t used = strlen(missing);
            snprintf(missing + used, sizeof missing - used, "%s%s", used > 0 ? ", " : "", SSO_KEYS[i]);
        }
    }
    return missing[0] == '\0' ? LOOKED_FOUND
                              : refuse(planner, CREDENTIALS_INVALID_CONFIG,
                                       "The profile \"%s\" is configured to use SSO but is missing required "
                                       "configuration: %s",
                                       profile, missing);
}

static enum looked look_sso(struct planner *planner, const char *profile)
{
    const char *session = profiles_get(planner->profiles, profile, "sso_session");
    const char *values[SSO_COUNT];
    if (profiles_get(planner->profiles, profile, SSO_KEYS[SSO_ROLE]) == NULL &&
        profiles_get(planner->profiles, profile, SSO_KEYS[SSO_ACCOUNT]) == NULL) {
        return LOOKED_NOTHING;
    }
    if (session != NULL && !profiles_has_section(planner->profiles, PROFILES_SSO_SESSION, session)) {
        return refuse(planner, CREDENTIALS_INVALID_CONFIG, "The specified sso-session does not exist: \"%s\"",
                      session);
    }
    if (take_sso(planner, profile, session, values) == LOOKED_WRONG ||
        check_sso(planner, profile, values) == LOOKED_WRONG) {
        return LOOKED_WRONG;
    }
    struct cred_step *step = add(planner, CRED_SSO, profile);
    step->sso_session = copy(session);
    step->sso_role = mem_strdup(values[SSO_ROLE]);
    step->sso_account = mem_strdup(values[SSO_ACCOUNT]);
    step->sso_start_url = mem_strdup(values[SSO_START_URL]);
    step->sso_region = mem_strdup(values[SSO_REGION]);
    return LOOKED_FOUND;
}

static enum looked look_keys(struct planner *planner, const char *profile, bool config_file)
{
    if (!has_keys_in(planner, profile, config_file)) {
        return LOOKED_NOTHING;
    }
    add(planner, CRED_KEYS, profile);
    return LOOKED_FOUND;
}

static enum looked look_login(struct planner *planner, const char *profile)
{
    if (profiles_get(planner->profiles, profile, "login_session") == NULL) {
        return LOOKED_NOTHING;
    }
    return refuse(
        planner, CREDENTIALS_INVALID_CONFIG,
        "the profile '%s' has a login_session (aws login), whose keys only the AWS CLI can renew; give "
        "another profile 'credential_process = aws configure export-credentials --profile %s --format "
        "process' and use that one",
        profile, profile);
}

static enum looked look_process(struct planner *planner, const char *profile)
{
    const char *command = profiles_get(planner->profiles, profile, "credential_process");
    if (command == NULL) {
        return LOOKED_NOTHING;
    }
    add(planner, CRED_PROCESS, profile)->command = mem_strdup(command);
    return LOOKED_FOUND;
}

/* In botocore's order. */
static enum looked look_in_profile(struct planner *planner, const char *profile, bool with_variables)
{
    enum looked looked = look_web_identity(planner, profile, with_variables);
    looked = looked == LOOKED_NOTHING ? look_sso(planner, profile) : looked;
    looked = looked == LOOKED_NOTHING ? look_keys(planner, profile, false) : looked;
    looked = looked == LOOKED_NOTHING ? look_login(planner, profile) : looked;
    looked = looked == LOOKED_NOTHING ? look_process(planner, profile) : looked;
    return looked == LOOKED_NOTHING ? look_keys(planner, profile, true) : looked;
}

/* --- roles --- */

static bool was_visited(const struct planner *planner, const char *profile)
{
    for (int i = 0; i < planner->visited_count; i++) {
        if (strcmp(planner->visited[i], profile) == 0) {
            return true;
        }
    }
    return false;
}

static enum looked refuse_loop(struct planner *planner, const char *source)
{
    struct buf list;
    buf_init(&list, 256);
    for (int i = 0; i < planner->visited_count; i++) {
        buf_printf(&list, "%s'%s'", i > 0 ? ", " : "", planner->visited[i]);
    }
    refuse(planner, CREDENTIALS_INVALID_CONFIG,
           "Infinite loop in credential configuration detected. Attempting to load from profile %s which has "
           "already been visited. Visited profiles: [%s]",
           source, buf_string(&list));
    buf_finish(&list);
    return LOOKED_WRONG;
}

/* A profile may be its own source where it has keys. */
static enum looked check_source_profile(struct planner *planner, const char *profile, const char *source)
{
    if (!profiles_has(planner->profiles, source)) {
        return refuse(planner, CREDENTIALS_INVALID_CONFIG,
                      "The source_profile \"%s\" referenced in the profile \"%s\" does not exist.", source,
                      profile);
    }
    bool itself = strcmp(source, profile) == 0 && has_keys(planner, source);
    return was_visited(planner, source) && !itself ? refuse_loop(planner, source) : LOOKED_FOUND;
}

static enum looked take_role(struct planner *planner, const char *profile)
{
    const struct profiles *profiles = planner->profiles;
    const char *mfa = profiles_get(profiles, profile, "mfa_serial");
    if (mfa != NULL && !planner->code_can_be_typed) {
        return refuse(planner, CREDENTIALS_INVALID_CONFIG,
                      "the profile '%s' has mfa_serial (%.80s): its role needs a code from a device at each "
                      "refresh, and nobody is here to type it. Give the role another way in, or use a "
                      "credential_process",
                      profile, mfa);
    }
    if (planner->role_count == CRED_ROLES_MAX) {
        return refuse(planner, CREDENTIALS_INVALID_CONFIG,
                      "the profile '%s' is behind more than %d roles that are assumed one after the other",
                      profile, CRED_ROLES_MAX);
    }
    planner->roles[planner->role_count++] = (struct cred_step){
        .kind = CRED_ROLE,
        .profile = mem_strdup(profile),
        .role_arn = copy(profiles_get(profiles, profile, "role_arn")),
        .external_id = copy(profiles_get(profiles, profile, "external_id")),
        .mfa_serial = copy(mfa),
        .session_name = copy_name(profiles_get(profiles, profile, "role_session_name")),
        /* what is no number is ignored, as botocore does */
        .duration_s = whole_number(profiles_get(profiles, profile, "duration_seconds"), 43200, 0)};
    return LOOKED_FOUND;
}

static enum looked look_in_source(struct planner *planner, const char *profile, const char *source)
{
    bool found = true;
    if (strcasecmp(source, "Environment") == 0) {
        found = has_environment_keys(planner);
        if (found) {
            add(planner, CRED_ENVIRONMENT, profile);
        }
    } else if (strcasecmp(source, "EcsContainer") == 0) {
        found = add_container(planner, profile);
    } else if (strcasecmp(source, "Ec2InstanceMetadata") == 0) {
        found = add_instance(planner, profile);
    } else {
        return refuse(planner, CREDENTIALS_INVALID_CONFIG,
                      "The credential source \"%s\" referenced in profile \"%s\" is not valid.", source,
                      profile);
    }
    return found ? LOOKED_FOUND
                 : refuse(planner, CREDENTIALS_RETRIEVAL,
                          "Error when retrieving credentials from %s: No credentials found in "
                          "credential_source referenced in profile %s",
                          source, profile);
}

static enum looked look_in_source_profile(struct planner *planner, const char *source)
{
    enum looked looked = look_in_profile(planner, source, false);
    return looked != LOOKED_NOTHING ? looked
                                    : refuse(planner, CREDENTIALS_INVALID_CONFIG,
                                             "The source profile \"%s\" must have credentials.", source);
}

/* Follows the chain from a profile with a role to where its first credentials come from. */
static enum looked look_behind_role(struct planner *planner, const char *profile)
{
    for (;;) {
        const char *source = profiles_get(planner->profiles, profile, "source_profile");
        const char *place = profiles_get(planner->profiles, profile, "credential_source");
        if (source != NULL && place != NULL) {
            return refuse(planner, CREDENTIALS_INVALID_CONFIG,
                          "The profile \"%s\" contains both source_profile and credential_source.", profile);
        }
        if (source == NULL && place == NULL) {
            return refuse(
                planner, CREDENTIALS_PARTIAL,
                "Partial credentials found in assume-role, missing: source_profile or credential_source");
        }
        if ((source != NULL && check_source_profile(planner, profile, source) == LOOKED_WRONG) ||
            take_role(planner, profile) == LOOKED_WRONG) {
            return LOOKED_WRONG;
        }
        if (place != NULL) {
            return look_in_source(planner, profile, place);
        }
        if (has_keys(planner, source) || !has_role(planner, source)) {
            return look_in_source_profile(planner, source);
        }
        planner->visited[planner->visited_count++] = source; /* take_role() bounds it */
        profile = source;
    }
}

/* --- the order --- */

static enum looked look_in_named_profile(struct planner *planner, const char *profile, bool named,
                                         bool with_variables)
{
    if (named && !profiles_has(planner->profiles, profile)) {
        return refuse(planner, CREDENTIALS_PROFILE_NOT_FOUND, "The config profile (%s) could not be found",
                      profile);
    }
    planner->visited[planner->visited_count++] = profile;
    if (has_role(planner, profile)) {
        return look_behind_role(planner, profile);
    }
    enum looked looked = look_in_profile(planner, profile, with_variables);
    if (looked == LOOKED_NOTHING && with_variables) {
        pass_over(planner, "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set");
    }
    if (looked == LOOKED_NOTHING) {
        pass_over(planner, "profile '%.40s': %s", profile,
                  profiles_has(planner->profiles, profile) ? "has no keys and names no other source"
                                                           : "not in ~/.aws/config or ~/.aws/credentials");
    }
    return looked;
}

static enum looked look_around(struct planner *planner, const char *profile)
{
    if (add_container(planner, profile)) {
        return LOOKED_FOUND;
    }
    pass_over(planner, "container: AWS_CONTAINER_CREDENTIALS_* not set");
    if (add_instance(planner, profile)) {
        return LOOKED_FOUND;
    }
    pass_over(planner, "instance metadata: disabled by AWS_EC2_METADATA_DISABLED");
    return LOOKED_NOTHING;
}

static enum looked look(struct planner *planner, const char *explicit_profile)
{
    const char *profile = explicit_profile;
    if (profile == NULL && has_environment_keys(planner)) {
        add(planner, CRED_ENVIRONMENT, NULL);
        return LOOKED_FOUND;
    }
    pass_over(planner, "environment: %s",
              profile != NULL ? "left out, because a profile is given" : "AWS_ACCESS_KEY_ID is not set");
    profile = profile != NULL ? profile : variable(planner, "AWS_PROFILE");
    profile = profile != NULL ? profile : variable(planner, "AWS_DEFAULT_PROFILE");
    bool named = profile != NULL;
    profile = named ? profile : "default";
    enum looked looked = look_in_named_profile(planner, profile, named, explicit_profile == NULL);
    return looked == LOOKED_NOTHING ? look_around(planner, profile) : looked;
}

static void add_roles(struct planner *planner, const struct credentials_role *role)
{
    struct cred_plan *plan = planner->plan;
    while (planner->role_count > 0) {
        plan->steps[plan->count++] = planner->roles[--planner->role_count];
    }
    if (role != NULL && plan->count > 0) {
        struct cred_step *step = add(planner, CRED_ROLE, NULL);
        step->role_arn = mem_strdup(role->role_arn);
        step->external_id = copy(role->external_id);
        step->session_name = copy(role->session_name);
        step->policy = copy(role->session_policy);
        step->duration_s = role->duration_s;
    }
}

int cred_plan_make(struct cred_plan *plan, const struct profiles *profiles, const struct environment *env,
                   const char *explicit_profile, const struct credentials_role *role, bool code_can_be_typed,
                   enum credentials_fault *fault, struct err *err)
{
    struct planner planner = {.plan = plan,
                              .profiles = profiles,
                              .env = env,
                              .fault = fault,
                              .err = err,
                              .code_can_be_typed = code_can_be_typed};
    *plan = (struct cred_plan){.count = 0};
    *fault = CREDENTIALS_OK;
    enum looked looked = look(&planner, explicit_profile);
    add_roles(&planner, role);
    if (looked != LOOKED_WRONG) {
        return 0;
    }
    cred_plan_finish(plan);
    return -1;
}

bool cred_plan_instance(struct cred_plan *plan, const struct profiles *profiles,
                        const struct environment *env, const char *profile)
{
    struct planner planner = {.plan = plan, .profiles = profiles, .env = env};
    *plan = (struct cred_plan){.count = 0};
    return add_instance(&planner, profile);
}

void cred_plan_finish(struct cred_plan *plan)
{
    for (int i = 0; i < plan->count; i++) {
        cred_step_finish(&plan->steps[i]);
    }
    plan->count = 0;
}
