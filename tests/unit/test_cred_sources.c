/* Roles, web identities, SSO, programs and files: that they work, what they ask, and the sentence of each way
 * in which they can fail. */
#include "cred_case.h"
#include "tap.h"

#define STATIC "[q]\naws_access_key_id = QK\naws_secret_access_key = QS\naws_session_token = QT\n"
#define ROLE   "[profile p]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = q\n"
#define STS_KEYS(action)                                                                                     \
    "200 <" action "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" action                   \
    "Result><Credentials><AccessKeyId>AK</AccessKeyId><SecretAccessKey>SK</SecretAccessKey>"                 \
    "<SessionToken>TK</SessionToken><Expiration>2026-11-24T09:15:00Z</Expiration></Credentials></" action    \
    "Result></" action "Response>"
#define STS_ERROR(code, message)                                                                             \
    "<ErrorResponse><Error><Type>Sender</Type><Code>" code "</Code><Message>" message                        \
    "</Message></Error></ErrorResponse>"
#define SSO                                                                                                  \
    "[profile p]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = R\n[sso-session "          \
    "s]\nsso_region = eu-west-1\nsso_start_url = https://x.awsapps.com/start\n"
#define SSO_LEGACY                                                                                           \
    "[profile p]\nsso_account_id = 123456789012\nsso_role_name = R\nsso_region = eu-west-1\nsso_start_url "  \
    "= s\n"
#define SSO_FILE ".aws/sso/cache/a0f1490a20d0211c997b44bc357e1972deab8ae3.json" /* of "s" */
#define SSO_KEYS                                                                                             \
    "200 {\"roleCredentials\":{\"accessKeyId\":\"AK\",\"secretAccessKey\":\"SK\",\"sessionToken\":\"TK\","   \
    "\"expiration\":1795511700000}}"
#define TOKEN(expires, more) "{\"accessToken\":\"AT\",\"expiresAt\":\"" expires "\"" more "}"
#define REFRESH                                                                                              \
    ",\"refreshToken\":\"RT\",\"clientId\":\"CI\",\"clientSecret\":\"CS\",\"registrationExpiresAt\":"        \
    "\"2027-01-01T00:00:00Z\""
#define STS "AWS_ENDPOINT_URL_STS=http://127.0.0.1:PORT"

static const struct cred_case CASES[] = {
    /* --- roles --- */
    {.variables = STS,
     .config = ROLE "external_id = e/1\nrole_session_name = me\nduration_seconds = 900\n",
     .credentials = STATIC,
     .profile = "p",
     .answers = {STS_KEYS("AssumeRole")},
     .found = "AK SK TK role r",
     .requested =
         {"Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr&"
          "RoleSessionName=me&ExternalId=e%2F1&DurationSeconds=900",
          "Credential=QK/20261124/eu-west-1/sts/aws4_request", "X-Amz-Security-Token: QT"},
     .expected_requests = 1},
    {.variables = STS,
     .config = ROLE,
     .credentials = STATIC,
     .profile = "p",
     .answers = {STS_KEYS("AssumeRole")},
     .found = "AK SK TK role r",
     .requested = {"&RoleSessionName=jobsweep-1795490100"}},
    {.variables = STS,
     .config = ROLE "role_session_name =\n", /* an empty one is none */
     .credentials = STATIC,
     .profile = "p",
     .answers = {STS_KEYS("AssumeRole")},
     .found = "AK SK TK role r",
     .requested = {"&RoleSessionName=jobsweep-1795490100"}},
    {.variables = STS,
     .config = ROLE "[profile o]\nrole_arn = x/outer\nsource_profile = p\n",
     .credentials = STATIC,
     .profile = "o",
     .answers = {STS_KEYS("AssumeRole")},
     .found = "AK SK TK role outer",
     .requested = {"Credential=QK/", "Credential=AK/"}, /* the one signs the other */
     .expected_requests = 2},
    {.variables = STS,
     .config = ROLE,
     .credentials = STATIC,
     .profile = "p",
     .answers = {"403 " STS_ERROR("AccessDenied", "User x is not authorized &amp; so on")},
     .fault = CREDENTIALS_SERVICE,
     .found = "An error occurred (AccessDenied) when calling the AssumeRole operation: User x is not "
              "authorized & so on",
     .expected_requests = 1},
    {.variables = STS,
     .config = ROLE,
     .credentials = STATIC,
     .profile = "p",
     .answers = {"400 " STS_ERROR("Throttling", "Rate exceeded"), "503 x", STS_KEYS("AssumeRole")},
     .found = "AK SK TK role r",
     .expected_requests = 3},
    {.variables = STS,
     .config = ROLE,
     .credentials = STATIC,
     .profile = "p",
     .answers = {"400 " STS_ERROR("Throttling", "Rate exceeded")},
     .fault = CREDENTIALS_SERVICE,
     .found = "An error occurred (Throttling) when calling the AssumeRole operation: Rate exceeded",
     .expected_requests = 3},
    {.variables = STS,
     .config = ROLE,
     .credentials = STATIC,
     .profile = "p",
     .answers = {"DATE: Tue, 24 Nov 2026 04:15:00 GMT\n403 " STS_ERROR("SignatureDoesNotMatch",
                                                                       "Signature expired: x"),
                 STS_KEYS("AssumeRole")},
     .found = "AK SK TK role r",
     .requested = {"X-Amz-Date: 20261124T031500Z", "X-Amz-Date: 20261124T041500Z"},
     .expected_requests = 2},
    {.variables = STS,
     .config = ROLE,
     .credentials = STATIC,
     .profile = "p",
     .answers = {"DATE: Tue, 24 Nov 2026 04:15:00 GMT\n403 " STS_ERROR("SignatureDoesNotMatch",
                                                                       "Signature expired: x")},
     .fault = CREDENTIALS_SERVICE, /* once only */
     .found = "An error occurred (SignatureDoesNotMatch) when calling the AssumeRole operation: Signature "
              "expired: x",
     .expected_requests = 2},
    {.variables = STS,
     .config = ROLE,
     .credentials = STATIC,
     .profile = "p",
     .answers = {"200 <html>"},
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("assume-role") "the answer of STS cannot be read: "},
    {.variables = "AWS_ENDPOINT_URL_STS=http://127.0.0.1:1",
     .config = ROLE,
     .credentials = STATIC,
     .profile = "p",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("assume-role") "127.0.0.1:1: Failed to connect"},
    {.variables = STS,
     .config = ROLE,
     .credentials = "[q]\naws_access_key_id = QK\n",
     .profile = "p",
     .fault = CREDENTIALS_PARTIAL,
     .found = "Partial credentials found in shared-credentials-file, missing: aws_secret_access_key"},

    /* --- web identity --- */
    {.variables = STS " AWS_WEB_IDENTITY_TOKEN_FILE=HOME/token AWS_ROLE_ARN=arn/w",
     .file = "token",
     .content = "a.b/c",
     .mode = 0644,
     .answers = {STS_KEYS("AssumeRoleWithWebIdentity")},
     .found = "AK SK TK role w",
     .requested = {"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%2Fw&RoleSessionName="
                   "jobsweep-1795490100&WebIdentityToken=a.b%2Fc"},
     .expected_requests = 1},
    {.variables = STS " AWS_WEB_IDENTITY_TOKEN_FILE=HOME/nosuch AWS_ROLE_ARN=arn/w",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("assume-role-with-web-identity") "web identity token: "},
    {.variables = STS " AWS_WEB_IDENTITY_TOKEN_FILE=HOME/token AWS_ROLE_ARN=arn/w",
     .file = "token",
     .content = "",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("assume-role-with-web-identity") "web identity token: "},
    {.variables = STS " AWS_WEB_IDENTITY_TOKEN_FILE=/dev/zero AWS_ROLE_ARN=arn/w",
     .fault = CREDENTIALS_RETRIEVAL,
     .found =
         ERROR_FROM("assume-role-with-web-identity") "web identity token: /dev/zero: not a regular file"},
    {.variables = STS " AWS_WEB_IDENTITY_TOKEN_FILE=HOME/token AWS_ROLE_ARN=arn/w",
     .file = "token",
     .content = "t",
     .answers = {"400 " STS_ERROR("IDPCommunicationError", "later"), STS_KEYS("AssumeRoleWithWebIdentity")},
     .found = "AK SK TK role w",
     .expected_requests = 2},
    {.variables = STS " AWS_WEB_IDENTITY_TOKEN_FILE=HOME/token AWS_ROLE_ARN=arn/w",
     .file = "token",
     .content = "t",
     .answers = {"400 " STS_ERROR("InvalidIdentityToken", "No OpenIDConnect provider found")},
     .fault = CREDENTIALS_SERVICE,
     .found =
         "An error occurred (InvalidIdentityToken) when calling the AssumeRoleWithWebIdentity operation: "
         "No OpenIDConnect provider found",
     .expected_requests = 1},

    /* --- SSO --- */
    {.variables = "AWS_ENDPOINT_URL_SSO=http://127.0.0.1:PORT",
     .config = SSO,
     .profile = "p",
     .file = SSO_FILE,
     .content = TOKEN("2026-11-24T09:15:00Z", ""),
     .answers = {SSO_KEYS},
     .found = "AK SK TK sso role R",
     .requested = {"GET /federation/credentials?role_name=R&account_id=123456789012 HTTP",
                   "x-amz-sso_bearer_token: AT"},
     .expected_requests = 1},
    {.variables = "AWS_ENDPOINT_URL_SSO=http://127.0.0.1:PORT",
     .config = SSO_LEGACY,
     .profile = "p",
     .file = SSO_FILE,
     .content = TOKEN("2026-11-24T03:16:00UTC", ""),
     .answers = {"503 x", SSO_KEYS},
     .found = "AK SK TK sso role R",
     .expected_requests = 2},
    {.variables = "AWS_ENDPOINT_URL=http://127.0.0.1:PORT",
     .config = SSO,
     .profile = "p",
     .file = SSO_FILE,
     .content = TOKEN("2026-11-24T03:20:00Z", REFRESH),
     .answers = {"200 {\"accessToken\":\"NEW\",\"expiresIn\":28800,\"tokenType\":\"Bearer\"}", SSO_KEYS},
     .found = "AK SK TK sso role R",
     .requested = {"POST /token HTTP/1.1",
                   "{\"grantType\":\"refresh_token\",\"clientId\":\"CI\",\"clientSecret\":\"CS\","
                   "\"refreshToken\":\"RT\"}",
                   "x-amz-sso_bearer_token: NEW"},
     .expected_requests = 2},
    {.variables = "AWS_ENDPOINT_URL=http://127.0.0.1:PORT",
     .config = SSO,
     .profile = "p",
     .file = SSO_FILE,
     .content = TOKEN("2026-11-24T03:20:00Z", REFRESH),
     .answers = {"400 {\"error\":\"invalid_grant\"}", SSO_KEYS},
     .found = "AK SK TK sso role R", /* five minutes are left */
     .requested = {"x-amz-sso_bearer_token: AT"},
     .expected_requests = 2},
    {.variables = "AWS_ENDPOINT_URL=http://127.0.0.1:PORT",
     .config = SSO,
     .profile = "p",
     .file = SSO_FILE,
     .content = TOKEN("2026-11-24T03:00:00Z", REFRESH),
     .answers = {"400 {\"error\":\"invalid_grant\"}"},
     .fault = CREDENTIALS_RETRIEVAL,
     .found =
         "Error when retrieving token from sso: Token has expired and refresh failed (status 400); run: aws "
         "sso login --sso-session s",
     .expected_requests = 1},
    {.config = SSO,
     .profile = "p",
     .file = SSO_FILE,
     .content = TOKEN("2026-11-24T03:00:00Z", ""),
     .fault = CREDENTIALS_RETRIEVAL,
     .found = "Error when retrieving token from sso: Token has expired and refresh failed (it cannot be "
              "refreshed)"},
    {.config = SSO_LEGACY,
     .profile = "p",
     .file = SSO_FILE,
     .content = TOKEN("2026-11-24T03:00:00Z", REFRESH),
     .fault = CREDENTIALS_RETRIEVAL,
     .found =
         "The SSO session associated with this profile has expired or is otherwise invalid. To refresh this "
         "SSO session run aws sso login with the corresponding profile."},
    {.config = SSO,
     .profile = "p",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = "Error loading SSO Token: Token for s does not exist; run: aws sso login"},
    {.config = SSO,
     .profile = "p",
     .file = SSO_FILE,
     .content = "{\"accessToken\":\"AT\"}",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = "Error loading SSO Token: Token for s is invalid"},
    {.config = SSO,
     .profile = "p",
     .file = SSO_FILE,
     .content = "{",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = "Error loading SSO Token: Token for s is invalid"},
    {.config = SSO,
     .profile = "p",
     .file = SSO_FILE,
     .content = TOKEN("2026-11-24T09:15:00Z", ""),
     .mode = 0644,
     .fault = CREDENTIALS_RETRIEVAL,
     .found = "Error loading SSO Token: "},
    {.variables = "AWS_ENDPOINT_URL_SSO=http://127.0.0.1:PORT",
     .config = SSO,
     .profile = "p",
     .file = SSO_FILE,
     .content = TOKEN("2026-11-24T09:15:00Z", ""),
     .answers = {"401 {\"__type\":\"UnauthorizedException\",\"message\":\"Session token not found\"}"},
     .fault = CREDENTIALS_RETRIEVAL,
     .found = "The SSO session associated with this profile has expired or is otherwise invalid."},
    {.variables = "AWS_ENDPOINT_URL_SSO=http://127.0.0.1:PORT",
     .config = SSO,
     .profile = "p",
     .file = SSO_FILE,
     .content = TOKEN("2026-11-24T09:15:00Z", ""),
     .answers = {"403 {\"__type\":\"ForbiddenException\",\"message\":\"No access\"}"},
     .fault = CREDENTIALS_SERVICE,
     .found =
         "An error occurred (ForbiddenException) when calling the GetRoleCredentials operation: No access",
     .expected_requests = 1},
    {.variables = "AWS_ENDPOINT_URL_SSO=http://127.0.0.1:PORT",
     .config = SSO,
     .profile = "p",
     .file = SSO_FILE,
     .content = TOKEN("2026-11-24T09:15:00Z", ""),
     .answers = {"200 {\"roleCredentials\":{\"accessKeyId\":\"AK\",\"secretAccessKey\":\"SK\"}}"},
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("sso") "Missing required key in response: 'sessionToken'"},
    {.variables = "AWS_ENDPOINT_URL_SSO=http://127.0.0.1:PORT",
     .config = SSO,
     .profile = "p",
     .file = SSO_FILE,
     .content = TOKEN("2026-11-24T09:15:00Z", ""),
     .answers = {"200 {\"roleCredentials\":{\"accessKeyId\":\"AK\",\"secretAccessKey\":\"SK\","
                 "\"sessionToken\":\"T\",\"expiration\":\"soon\"}}"},
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("sso") "'expiration' in the response is no number of milliseconds"},

    /* --- credential_process --- */
    {.config = "[profile p]\ncredential_process = /bin/echo '{\"Version\": 1, \"AccessKeyId\": \"AK\", "
               "\"SecretAccessKey\": \"SK\"}'\n",
     .profile = "p",
     .found = "AK SK - credential_process of 'p'"},
    {.config = "[profile p]\ncredential_process = cat \"HOME/the keys\"\n",
     .profile = "p",
     .file = "the keys",
     .content = "{\"Version\":1,\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"SK\",\"SessionToken\":\"TK\","
                "\"Expiration\":\"2026-11-24T09:15:00Z\"}",
     .found = "AK SK TK credential_process of 'p'"},
    {.config =
         "[profile p]\ncredential_process = sh -c 'echo \"a \x1b[31mred excuse\" >&2; echo secret; exit "
         "3'\n",
     .profile = "p",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("custom-process") "a \\x1b[31mred excuse"},
    {.config = "[profile p]\ncredential_process = false\n",
     .profile = "p",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("custom-process") "it ended with status 1 and said nothing"},
    {.config = "[profile p]\ncredential_process = sh -c 'kill -9 $$'\n",
     .profile = "p",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("custom-process") "it was ended by signal 9"},
    {.config = "[profile p]\ncredential_process = HOME/nosuch --now\n",
     .profile = "p",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("custom-process") "/tmp/jobsweep-cred-"},
    {.config = "[profile p]\ncredential_process = echo 'open\n",
     .profile = "p",
     .fault = CREDENTIALS_RETRIEVAL,
     .found =
         ERROR_FROM("custom-process") "credential_process cannot be split into words: No closing quotation"},
    {.config = "[profile p]\ncredential_process =\n",
     .profile = "p",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("custom-process") "credential_process is empty"},
    {.config = "[profile p]\ncredential_process = echo the-secret-in-no-json\n",
     .profile = "p",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("custom-process") "its output cannot be read: "},
    {.config = "[profile p]\ncredential_process = echo []\n",
     .profile = "p",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("custom-process") "its output is no JSON object"},
    {.config = "[profile p]\ncredential_process = echo '{\"Version\": 2}'\n",
     .profile = "p",
     .fault = CREDENTIALS_RETRIEVAL,
     .found =
         ERROR_FROM("custom-process") "Unsupported version '2' for credential process provider, supported "
                                      "versions: 1"},
    {.config = "[profile p]\ncredential_process = echo '{\"Version\": \"1\"}'\n",
     .profile = "p",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("custom-process") "Unsupported version '1' for"},
    {.config = "[profile p]\ncredential_process = echo '{}'\n",
     .profile = "p",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("custom-process") "Unsupported version '<Version key not provided>' for"},
    {.config = "[profile p]\ncredential_process = echo '{\"Version\": 1, \"AccessKeyId\": \"AK\"}'\n",
     .profile = "p",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("custom-process") "Missing required key in response: 'SecretAccessKey'"},
    {.config = "[profile p]\ncredential_process = head -c 100000 /dev/zero\n",
     .profile = "p",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("custom-process") "head: more than 65536 bytes of output"},
    {.config = "[profile p]\ncredential_process = echo '{\"Version\": 1, \"AccessKeyId\": \"AK\", "
               "\"SecretAccessKey\": \"SK\", \"Expiration\": \"2020-01-01T00:00:00Z\"}'\n",
     .profile = "p",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = "the credentials of the credential_process of 'p' have expired"},

    /* --- static keys, and the files themselves --- */
    {.credentials = "[p]\naws_access_key_id = AK\naws_secret_access_key = SK\n",
     .profile = "p",
     .found = "AK SK - profile 'p'"},
    {.config = "[profile p]\naws_access_key_id = AK\n",
     .profile = "p",
     .fault = CREDENTIALS_PARTIAL,
     .found = "Partial credentials found in config-file, missing: aws_secret_access_key"},
    {.credentials = "[p\n",
     .profile = "p",
     .fault = CREDENTIALS_CONFIG_PARSE,
     .found = "/tmp/jobsweep-cred-"},
    {.variables = "AWS_SECRET_ACCESS_KEY=x",
     .fault = CREDENTIALS_PARTIAL,
     .found = "Partial credentials found in env, missing: AWS_ACCESS_KEY_ID"},
    {.variables = "AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b AWS_CREDENTIAL_EXPIRATION=tomorrow",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("env") "AWS_CREDENTIAL_EXPIRATION: "},
};

static void each_source_of_a_profile_works_and_each_failure_has_its_sentence(void **state)
{
    (void)state;
    cred_cases_run(CASES, sizeof CASES / sizeof CASES[0]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_source_of_a_profile_works_and_each_failure_has_its_sentence)};

TAP_MAIN(tests)
