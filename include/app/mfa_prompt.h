/* Asking a person for the code of a device. */
#ifndef APP_MFA_PROMPT_H
#define APP_MFA_PROMPT_H

#include "aws/credentials.h"

#include <stdbool.h>

/* As struct credentials_config has it. Asks on the terminal without echo; where there is none, on standard
 * error and from standard input, as the AWS CLI does. SIGINT and SIGTERM meanwhile end the process, with 130
 * and 143, and leave the terminal as it was. ctx is not looked at. */
bool mfa_prompt(void *ctx, const char *serial, char code[CREDENTIALS_CODE_MAX]);

#endif
