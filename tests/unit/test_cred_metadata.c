/* The metadata services of instances and containers: that they work, what they ask, and the sentence of each
 * way in which they can fail. */
#include "cred_case.h"
#include "tap.h"

#define JSON_KEYS                                                                                            \
    "{\"Code\":\"Success\",\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"SK\",\"Token\":\"TK\","              \
    "\"Expiration\":\"2026-11-24T09:15:00Z\"}"
#define IMDS      "AWS_EC2_METADATA_DISABLED=false AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:PORT"
#define CONTAINER "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:PORT/creds?id=1"
#define NO_CREDS  "no credentials found; environment: AWS_ACCESS_KEY_ID is not set; "
#define NO_IMDS                                                                                              \
    NO_CREDS "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set; profile 'default': not in "              \
             "~/.aws/config or ~/.aws/credentials; container: AWS_CONTAINER_CREDENTIALS_* not set; "         \
             "instance metadata: "

static const struct cred_case CASES[] = {
    /* --- instance metadata --- */
    {.variables = IMDS,
     .answers = {"200 imds-token", "200 my role", "200 " JSON_KEYS},
     .found = "AK SK TK instance metadata",
     .requested = {"PUT /latest/api/token HTTP/1.1", "x-aws-ec2-metadata-token-ttl-seconds: 21600",
                   "GET /latest/meta-data/iam/security-credentials/my%20role HTTP"},
     .expected_requests = 3},
    {.variables = IMDS,
     .answers = {"404 no", "200 r", "200 " JSON_KEYS},
     .found = "AK SK TK instance metadata",
     .expected_requests = 3},
    {.variables = IMDS,
     .answers = {"405 no", "200 r", "200 " JSON_KEYS},
     .found = "AK SK TK instance metadata"},
    {.variables = IMDS,
     .answers = {"403 no", "200 r", "200 " JSON_KEYS},
     .found = "AK SK TK instance metadata"},
    {.variables = IMDS,
     .answers = {"500 no", "200 r", "200 " JSON_KEYS},
     .found = "AK SK TK instance metadata"},
    {.variables = IMDS,
     .answers = {"HANG", "200 r", "200 " JSON_KEYS},
     .found = "AK SK TK instance metadata"},
    {.variables = IMDS " AWS_METADATA_SERVICE_NUM_ATTEMPTS=3",
     .answers = {"500 ", "200 t", "500 ", "200 r", "200 no json", "200 " JSON_KEYS},
     .found = "AK SK TK instance metadata",
     .expected_requests = 6},
    {.variables = IMDS " AWS_EC2_METADATA_V1_DISABLED=true",
     .answers = {"403 no"},
     .fault = CREDENTIALS_RETRIEVAL,
     .found =
         "Error retrieving metadata: Unable to retrieve token for use in IMDSv2 call and IMDSv1 has been "
         "disabled",
     .expected_requests = 1},
    {.variables = IMDS,
     .answers = {"400 no"},
     .fault = CREDENTIALS_RETRIEVAL,
     .found = "Error retrieving metadata: the request for a token was answered with status 400"},
    {.variables = IMDS,
     .answers = {"200 t", "404 none"},
     .fault = CREDENTIALS_NONE,
     .found = NO_IMDS "no role is attached to this instance (status 404)"},
    {.variables = IMDS,
     .answers = {"200 t", "200 "},
     .fault = CREDENTIALS_NONE,
     .found = NO_IMDS "the name of the role did not come (status 200)"},
    {.variables = IMDS,
     .answers = {"200 t", "200 r", "200 {\"AccessKeyId\""},
     .fault = CREDENTIALS_NONE,
     .found = NO_IMDS "the keys of the role did not come (status 200)"},
    {.variables = IMDS,
     .answers = {"200 t", "200 r",
                 "200 {\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"EC2 cannot\"}"},
     .fault = CREDENTIALS_NONE,
     .found = NO_IMDS "AssumeRoleUnauthorizedAccess: EC2 cannot"},
    {.variables = IMDS,
     .answers = {"200 t", "200 r", "200 {\"Code\":\"Success\",\"AccessKeyId\":\"AK\"}"},
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("iam-role") "Missing required key in response: 'SecretAccessKey'"},
    {.variables = "AWS_EC2_METADATA_DISABLED=false AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:1",
     .fault = CREDENTIALS_NONE,
     .found = NO_IMDS "127.0.0.1:1: Failed to connect to 127.0.0.1 port 1"},
    {.variables = "AWS_EC2_METADATA_DISABLED=false AWS_EC2_METADATA_SERVICE_ENDPOINT=http://example.org",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = "Error retrieving metadata: http://example.org: http:// is for loopback addresses only"},
    {.variables = IMDS,
     .config = "[profile p]\nrole_arn = a/r\ncredential_source = Ec2InstanceMetadata\n",
     .profile = "p",
     .answers = {"200 t", "404 none"},
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("Ec2InstanceMetadata") "No credentials found in credential_source referenced in "
                                                "profile p (instance metadata: no role is attached to this "
                                                "instance (status 404))"},

    /* --- container --- */
    {.variables = CONTAINER,
     .answers = {"200 " JSON_KEYS},
     .found = "AK SK TK container",
     .requested = {"GET /creds?id=1 HTTP/1.1", "Accept: application/json"},
     .expected_requests = 1},
    {.variables = CONTAINER " AWS_CONTAINER_AUTHORIZATION_TOKEN=Basic-x",
     .answers = {"500 x", "RESET", "200 " JSON_KEYS},
     .found = "AK SK TK container",
     .requested = {"Authorization: Basic-x"},
     .expected_requests = 3},
    {.variables = CONTAINER " AWS_CONTAINER_AUTHORIZATION_TOKEN=no "
                            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=HOME/token",
     .file = "token",
     .content = "from-the-file",
     .answers = {"200 " JSON_KEYS},
     .found = "AK SK TK container",
     .requested = {"Authorization: from-the-file"}},
    {.variables = CONTAINER " AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=HOME/token",
     .file = "token",
     .content = "two\nlines",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("container-role") "Auth token value is not a legal header value"},
    {.variables = CONTAINER " AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=HOME/nosuch",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("container-role") "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "},
    {.variables = CONTAINER,
     .answers = {"403 {\"message\":\"not \\u001b[31myours\",\"SecretAccessKey\":\"canary\"}"},
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("container-role") "Error retrieving metadata: Received non 200 response 403 from "
                                           "container metadata: not \\x1b[31myours",
     .expected_requests = 3},
    {.variables = CONTAINER,
     .answers = {"200 <html>"},
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("container-role") "Error retrieving metadata: Unable to parse JSON returned from "
                                           "container metadata services",
     .expected_requests = 3},
    {.variables = CONTAINER,
     .answers =
         {"200 {\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"SK\",\"Expiration\":\"2026-11-24T09:15:00Z\"}"},
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("container-role") "Missing required key in response: 'Token'"},
    {.variables = CONTAINER,
     .answers = {"200 {\"AccessKeyId\":17}"},
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("container-role") "'AccessKeyId' in the response is no text"},
    {.variables = CONTAINER,
     .answers =
         {"200 {\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"S K\",\"Token\":\"T\",\"Expiration\":\"x\"}"},
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("container-role") "SecretAccessKey in the container is too long or holds characters "
                                           "that no key has"},
    {.variables = CONTAINER,
     .answers =
         {"200 {\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"SK\",\"Token\":\"T\",\"Expiration\":\"soon\"}"},
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("container-role") "Expiration: "},
    {.variables = CONTAINER,
     .answers = {"200 {\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"SK\",\"Token\":\"T\",\"Expiration\":"
                 "\"2026-11-24T03:00:00Z\"}"},
     .fault = CREDENTIALS_RETRIEVAL,
     .found = "the credentials of the container have expired"},
    {.variables = CONTAINER, /* by the server's clock, which is an hour behind, they last */
     .answers =
         {"DATE: Tue, 24 Nov 2026 02:15:00 GMT\n200 {\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"SK\","
          "\"Token\":\"T\",\"Expiration\":\"2026-11-24T03:00:00Z\"}"},
     .found = "AK SK T container"},
    {.variables = "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.1.1/creds",
     .fault = CREDENTIALS_RETRIEVAL,
     .found =
         ERROR_FROM("container-role") "Unsupported host '169.254.1.1'.  Can only retrieve metadata from a "
                                      "loopback address or one of these hosts: 169.254.170.2, "
                                      "169.254.170.23, fd00:ec2::23, localhost"},
    {.variables = "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1.evil.example/creds",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("container-role") "Unsupported host '127.0.0.1.evil.example'."},
    {.variables = "AWS_CONTAINER_CREDENTIALS_FULL_URI=ftp://localhost/creds",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("container-role") "ftp://localhost: the address must begin with https://"},
    {.variables = "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://[::1]:1/creds",
     .fault = CREDENTIALS_RETRIEVAL,
     .found = ERROR_FROM("container-role") "Error retrieving metadata: Received error when attempting to "
                                           "retrieve container metadata: [::1]:1: "},
};

static void each_source_of_a_machine_works_and_each_failure_has_its_sentence(void **state)
{
    (void)state;
    cred_cases_run(CASES, sizeof CASES / sizeof CASES[0]);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_source_of_a_machine_works_and_each_failure_has_its_sentence)};

TAP_MAIN(tests)
