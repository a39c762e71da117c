/* What the environment and the shared files lead to: a table of cases, each with the whole plan or the whole
 * sentence. */
#include "aws/cred_plan.h"
#include "base/buf.h"
#include "cred_world.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define ROLE   "role_arn = arn:aws:iam::123456789012:role/"
#define KEYS   "aws_access_key_id = AK\naws_secret_access_key = SK\n"
#define PASSED "environment: AWS_ACCESS_KEY_ID is not set; "
#define LOGIN                                                                                                \
    "the profile 'p' has a login_session (aws login), whose keys only the AWS CLI can renew; give another "  \
    "profile 'credential_process = aws configure export-credentials --profile p --format process' and use "  \
    "that one"

struct plan_case {
    const char *config, *credentials;
    const char *variables; /* "NAME=value NAME=value" */
    const char *profile;   /* explicit */
    enum credentials_fault fault;
    const char *expected; /* the plan as show() writes it, or the sentence */
};

static const struct plan_case CASES[] = {
    /* --- the order --- */
    {"", "", "AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b", NULL, 0, "environment"},
    {"", "", "AWS_SECRET_ACCESS_KEY=b", NULL, 0, "environment"}, /* which then misses its other half */
    {"", "[default]\n" KEYS, "AWS_ACCESS_KEY_ID=a", NULL, 0, "environment"},
    {"", "[default]\n" KEYS, "AWS_ACCESS_KEY_ID=", NULL, 0, "profile(default)"},
    {"", "[p]\n" KEYS, "AWS_ACCESS_KEY_ID=a", "p", 0, "profile(p)"},
    {"", "[p]\n" KEYS "[q]\n" KEYS, "AWS_PROFILE=p AWS_DEFAULT_PROFILE=q", NULL, 0, "profile(p)"},
    {"", "[p]\n" KEYS "[q]\n" KEYS, "AWS_DEFAULT_PROFILE=q", NULL, 0, "profile(q)"},
    {"[profile p]\ncredential_process = x y\n", "[p]\n" KEYS, "", "p", 0, "profile(p)"},
    {"[profile p]\ncredential_process = x y\n" KEYS, "", "", "p", 0, "credential_process(p) command=x y"},
    {"[profile p]\n" KEYS, "", "", "p", 0, "profile(p)"},
    {"[profile p]\nlogin_session = s\n", "[p]\n" KEYS, "", "p", 0, "profile(p)"},
    {"[profile p]\nregion = x\n", "", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/x", "p", 0,
     "container(p) uri=http://169.254.170.2/v2/x"},
    {"", "",
     "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://localhost/x AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/t", NULL,
     0, "container(default) uri=http://localhost/x token=/t"},
    {"", "", "AWS_EC2_METADATA_DISABLED=false", NULL, 0,
     "instance metadata(default) uri=http://169.254.169.254 1000 ms 1 x v1"},
    {"", "", "AWS_EC2_METADATA_DISABLED=x AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv6", NULL, 0,
     "instance metadata(default) uri=http://[fd00:ec2::254] 1000 ms 1 x v1"},
    {"[default]\nec2_metadata_v1_disabled = true\nmetadata_service_timeout = 3\n", "",
     "AWS_EC2_METADATA_DISABLED=x AWS_METADATA_SERVICE_NUM_ATTEMPTS=2 "
     "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://localhost:1",
     NULL, 0, "instance metadata(default) uri=http://localhost:1 3000 ms 2 x"},
    {"", "", "", NULL, 0,
     "none: " PASSED "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set; profile 'default': not in "
     "~/.aws/config or ~/.aws/credentials; container: AWS_CONTAINER_CREDENTIALS_* not set; instance "
     "metadata: disabled by AWS_EC2_METADATA_DISABLED"},
    {"[profile p]\nregion = x\n", "", "", "p", 0,
     "none: environment: left out, because a profile is given; profile 'p': has no keys and names no other "
     "source; container: AWS_CONTAINER_CREDENTIALS_* not set; instance "
     "metadata: disabled by AWS_EC2_METADATA_DISABLED"},
    {"", "", "", "nosuch", CREDENTIALS_PROFILE_NOT_FOUND, "The config profile (nosuch) could not be found"},
    {"", "", "AWS_PROFILE=nosuch", NULL, CREDENTIALS_PROFILE_NOT_FOUND,
     "The config profile (nosuch) could not be found"},
    {"[profile p]\nlogin_session = s\n", "", "", "p", CREDENTIALS_INVALID_CONFIG, LOGIN},

    /* --- roles --- */
    {"[profile p]\n" ROLE "r\nsource_profile = q\n", "[q]\n" KEYS, "", "p", 0, "profile(q) > role(p) r"},
    {"[profile p]\n" ROLE "r\nsource_profile = q\nexternal_id = e\nrole_session_name = n\nduration_seconds = "
     "900\n",
     "[q]\n" KEYS, "", "p", 0, "profile(q) > role(p) r external=e session=n 900 s"},
    {"[profile p]\n" ROLE "r\nsource_profile = q\nduration_seconds = an hour\n", "[q]\n" KEYS, "", "p", 0,
     "profile(q) > role(p) r"},
    {"[profile a]\n" ROLE "1\nsource_profile = b\n[profile b]\n" ROLE "2\nsource_profile = c\n", "[c]\n" KEYS,
     "", "a", 0, "profile(c) > role(b) 2 > role(a) 1"},
    {"[profile p]\n" ROLE "r\nsource_profile = p\n", "[p]\n" KEYS, "", "p", 0, "profile(p) > role(p) r"},
    {"[profile a]\n" ROLE "1\nsource_profile = b\n[profile b]\n" ROLE "2\n", "[b]\n" KEYS, "", "a", 0,
     "profile(b) > role(a) 1"}, /* keys come before a role of the source */
    {"[profile p]\n" ROLE "r\nsource_profile = q\n[profile q]\ncredential_process = x\n", "", "", "p", 0,
     "credential_process(q) command=x > role(p) r"},
    {"[profile p]\n" ROLE "r\ncredential_source = Environment\n", "", "AWS_ACCESS_KEY_ID=a", "p", 0,
     "environment(p) > role(p) r"},
    {"[profile p]\n" ROLE "r\ncredential_source = ec2instancemetadata\n", "", "AWS_EC2_METADATA_DISABLED=no",
     "p", 0, "instance metadata(p) uri=http://169.254.169.254 1000 ms 1 x v1 > role(p) r"},
    {"[profile p]\n" ROLE "r\ncredential_source = EcsContainer\n", "",
     "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x", "p", 0,
     "container(p) uri=http://169.254.170.2/x > role(p) r"},
    {"[profile p]\n" ROLE "r\ncredential_source = Environment\n", "", "", "p", CREDENTIALS_RETRIEVAL,
     "Error when retrieving credentials from Environment: No credentials found in credential_source "
     "referenced in profile p"},
    {"[profile p]\n" ROLE "r\ncredential_source = EcsContainer\n", "", "", "p", CREDENTIALS_RETRIEVAL,
     "Error when retrieving credentials from EcsContainer: No credentials found in credential_source "
     "referenced in profile p"},
    {"[profile p]\n" ROLE "r\ncredential_source = Ec2InstanceMetadata\n", "", "", "p", CREDENTIALS_RETRIEVAL,
     "Error when retrieving credentials from Ec2InstanceMetadata: No credentials found in credential_source "
     "referenced in profile p"},
    {"[profile p]\n" ROLE "r\ncredential_source = Moon\n", "", "", "p", CREDENTIALS_INVALID_CONFIG,
     "The credential source \"Moon\" referenced in profile \"p\" is not valid."},
    {"[profile p]\n" ROLE "r\ncredential_source = Environment\nsource_profile = q\n", "", "", "p",
     CREDENTIALS_INVALID_CONFIG, "The profile \"p\" contains both source_profile and credential_source."},
    {"[profile p]\n" ROLE "r\n", "", "", "p", CREDENTIALS_PARTIAL,
     "Partial credentials found in assume-role, missing: source_profile or credential_source"},
    {"[profile p]\n" ROLE "r\nsource_profile = q\n", "", "", "p", CREDENTIALS_INVALID_CONFIG,
     "The source_profile \"q\" referenced in the profile \"p\" does not exist."},
    {"[profile p]\n" ROLE "r\nsource_profile = q\n[profile q]\nregion = x\n", "", "", "p",
     CREDENTIALS_INVALID_CONFIG, "The source profile \"q\" must have credentials."},
    {"[profile p]\n" ROLE "r\nsource_profile = p\n", "", "", "p", CREDENTIALS_INVALID_CONFIG,
     "Infinite loop in credential configuration detected. Attempting to load from profile p which has "
     "already "
     "been visited. Visited profiles: ['p']"},
    {"[profile a]\n" ROLE "1\nsource_profile = b\n[profile b]\n" ROLE "2\nsource_profile = a\n", "", "", "a",
     CREDENTIALS_INVALID_CONFIG,
     "Infinite loop in credential configuration detected. Attempting to load from profile a which has "
     "already "
     "been visited. Visited profiles: ['a', 'b']"},
    {"[profile p]\n" ROLE "r\nsource_profile = q\nmfa_serial = arn:aws:iam::1:mfa/me\n", "[q]\n" KEYS, "",
     "p", CREDENTIALS_INVALID_CONFIG,
     "the profile 'p' has mfa_serial (arn:aws:iam::1:mfa/me): its role needs a code from a device at each "
     "refresh, and nobody is here to type it. Give the role another way in, or use a credential_process"},
    {"[profile 0]\n" ROLE "0\nsource_profile = 1\n[profile 1]\n" ROLE
     "1\nsource_profile = 2\n[profile 2]\n" ROLE "2\nsource_profile = 3\n[profile 3]\n" ROLE
     "3\nsource_profile = 4\n[profile 4]\n" ROLE "4\nsource_profile = 5\n[profile 5]\n" ROLE
     "5\nsource_profile = 6\n[profile 6]\n" ROLE "6\nsource_profile = 7\n[profile 7]\n" ROLE
     "7\nsource_profile = 8\n[profile 8]\n" ROLE "8\nsource_profile = 9\n",
     "[9]\n" KEYS, "", "0", CREDENTIALS_INVALID_CONFIG,
     "the profile '8' is behind more than 8 roles that are assumed one after the other"},

    /* --- web identity --- */
    {"", "", "AWS_WEB_IDENTITY_TOKEN_FILE=/t AWS_ROLE_ARN=arn/r AWS_ROLE_SESSION_NAME=n", NULL, 0,
     "web identity(default) r session=n file=/t"},
    {"[profile p]\n" ROLE "r\nweb_identity_token_file = /t\n", "", "", "p", 0, "web identity(p) r file=/t"},
    {"[profile p]\n" ROLE "r\nweb_identity_token_file = /t\n", "",
     "AWS_WEB_IDENTITY_TOKEN_FILE=/other AWS_ROLE_ARN=arn/other", "p", 0, "web identity(p) r file=/t"},
    {"[profile p]\nregion = x\n", "[p]\n" KEYS, "AWS_WEB_IDENTITY_TOKEN_FILE=/t AWS_ROLE_ARN=arn/r", "p", 0,
     "profile(p)"}, /* a profile that is given leaves these variables out too */
    {"[profile p]\n" ROLE "1\nsource_profile = q\n[profile q]\n" ROLE "2\nweb_identity_token_file = /t\n", "",
     "", "p", 0, "web identity(q) 2 file=/t > role(p) 1"},
    {"", "", "AWS_WEB_IDENTITY_TOKEN_FILE=/t", NULL, CREDENTIALS_INVALID_CONFIG,
     "The provided profile or the current environment is configured to assume role with web identity but has "
     "no role ARN configured. Ensure that the profile has the role_arn configuration set or the AWS_ROLE_ARN "
     "env var is set."},

    /* --- SSO --- */
    {"[profile p]\nsso_session = s\nsso_account_id = 1\nsso_role_name = R\n[sso-session s]\nsso_region = "
     "x-1\nsso_start_url = u\n",
     "", "", "p", 0, "sso(p) session=s R@1 x-1 u"},
    {"[profile p]\nsso_start_url = u\nsso_region = x-1\nsso_account_id = 1\nsso_role_name = R\n", "", "", "p",
     0, "sso(p) R@1 x-1 u"},
    {"[profile p]\nsso_start_url = u\nsso_region = x-1\n", "[p]\n" KEYS, "", "p", 0, "profile(p)"},
    {"[profile p]\nsso_session = s\nsso_role_name = R\n", "", "", "p", CREDENTIALS_INVALID_CONFIG,
     "The specified sso-session does not exist: \"s\""},
    {"[profile p]\nsso_role_name = R\n", "", "", "p", CREDENTIALS_INVALID_CONFIG,
     "The profile \"p\" is configured to use SSO but is missing required configuration: sso_account_id, "
     "sso_start_url, sso_region"},
    {"[profile p]\nsso_session = s\nsso_account_id = 1\nsso_role_name = R\nsso_region = y-1\n[sso-session "
     "s]\nsso_region = x-1\nsso_start_url = u\n",
     "", "", "p", CREDENTIALS_INVALID_CONFIG,
     "The value for sso_region is inconsistent between profile (y-1) and sso-session (x-1)."},
    {"[profile p]\n" ROLE "r\nsource_profile = q\n[profile q]\nsso_role_name = R\nsso_account_id = "
     "1\nsso_start_url = u\nsso_region = x-1\n",
     "", "", "p", 0, "sso(q) R@1 x-1 u > role(p) r"},
};

/* --- the plan as text --- */

static void show_text(struct buf *out, const char *before, const char *text)
{
    if (text != NULL) {
        buf_printf(out, "%s%s", before, text);
    }
}

static const char *kind_name(enum cred_kind kind)
{
    static const char *const names[CRED_KIND_COUNT] = {
        [CRED_ENVIRONMENT] = "environment",    [CRED_KEYS] = "profile",
        [CRED_PROCESS] = "credential_process", [CRED_SSO] = "sso",
        [CRED_WEB_IDENTITY] = "web identity",  [CRED_CONTAINER] = "container",
        [CRED_INSTANCE] = "instance metadata", [CRED_ROLE] = "role",
    };
    return names[kind];
}

static void show_step(struct buf *out, const struct cred_step *step)
{
    buf_text(out, kind_name(step->kind));
    if (step->profile != NULL) {
        buf_printf(out, "(%s)", step->profile);
    }
    if (step->role_arn != NULL) {
        buf_printf(out, " %s", strrchr(step->role_arn, '/') + 1);
    }
    show_text(out, " external=", step->external_id);
    show_text(out, " session=", step->session_name);
    show_text(out, " policy=", step->policy);
    show_text(out, " file=", step->token_file);
    show_text(out, " command=", step->command);
    show_text(out, " session=", step->sso_session);
    if (step->sso_role != NULL) {
        buf_printf(out, " %s@%s %s %s", step->sso_role, step->sso_account, step->sso_region,
                   step->sso_start_url);
    }
    show_text(out, " uri=", step->uri);
    show_text(out, " token=", step->auth_token_file);
    if (step->duration_s > 0) {
        buf_printf(out, " %d s", (int)step->duration_s);
    }
    if (step->kind == CRED_INSTANCE) {
        buf_printf(out, " %d ms %d x%s", (int)step->timeout_ms, step->attempts,
                   step->v1_disabled ? "" : " v1");
    }
}

static void show(struct buf *out, const struct cred_plan *plan)
{
    if (plan->count == 0) {
        buf_printf(out, "none: %s", plan->passed);
    }
    for (int i = 0; i < plan->count; i++) {
        buf_text(out, i > 0 ? " > " : "");
        show_step(out, &plan->steps[i]);
    }
}

static void set_variables(struct cred_world *world, const char *variables)
{
    char text[512], *rest = text;
    snprintf(text, sizeof text, "%s", variables);
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');
        *value = '\0';
        cred_world_variable(world, word, value + 1);
    }
}

static void plan_as_text(const struct plan_case *given, const struct credentials_role *role, struct buf *out,
                         enum credentials_fault *fault)
{
    struct cred_world world;
    struct cred_plan plan;
    struct err err;
    cred_world_open(&world, NULL);
    cred_world_file(&world, ".aws/config", given->config, 0600);
    cred_world_file(&world, ".aws/credentials", given->credentials, 0600);
    set_variables(&world, given->variables);
    struct profiles *profiles = profiles_load(&err);
    assert_non_null(profiles);
    if (cred_plan_make(&plan, profiles, NULL, given->profile, role, false, fault, &err) == 0) {
        show(out, &plan);
        cred_plan_finish(&plan);
    } else {
        assert_int_equal(err.code, ERR_CREDENTIALS);
        assert_int_equal(plan.count, 0);
        buf_text(out, err.msg);
    }
    profiles_free(profiles);
    cred_world_close(&world);
}

static void each_setting_leads_where_the_aws_cli_goes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct buf text;
        enum credentials_fault fault;
        buf_init(&text, 4096);
        plan_as_text(&CASES[i], NULL, &text, &fault);
        if (strcmp(buf_string(&text), CASES[i].expected) != 0 || fault != CASES[i].fault) {
            print_message("# case %zu, %s\n", i, credentials_fault_name(fault));
        }
        assert_string_equal(buf_string(&text), CASES[i].expected);
        assert_int_equal(fault, CASES[i].fault);
        buf_finish(&text);
    }
    print_message("# %zu cases\n", sizeof CASES / sizeof CASES[0]);
}

static void a_role_on_top_comes_last(void **state)
{
    static const struct plan_case chain = {
        "[profile p]\n" ROLE "r\nsource_profile = q\n", "[q]\n" KEYS, "", "p", 0, ""};
    static const struct plan_case nothing = {"", "", "", NULL, 0, ""};
    static const struct credentials_role role = {.role_arn = "arn/top",
                                                 .external_id = "e",
                                                 .session_name = "n",
                                                 .duration_s = 1000,
                                                 .session_policy = "{}"};
    enum credentials_fault fault;
    struct buf text;
    (void)state;
    buf_init(&text, 4096);
    plan_as_text(&chain, &role, &text, &fault);
    assert_string_equal(buf_string(&text),
                        "profile(q) > role(p) r > role top external=e session=n policy={} 1000 s");
    buf_reset(&text);
    plan_as_text(&nothing, &role, &text, &fault);
    assert_non_null(strstr(buf_string(&text), "none: environment"));
    buf_finish(&text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_setting_leads_where_the_aws_cli_goes),
    cmocka_unit_test(a_role_on_top_comes_last),
};

TAP_MAIN(tests)
