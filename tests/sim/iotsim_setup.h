/* What a test sets up in iotsim, as JSON: `--world FILE` at the start, POST /_iotsim/world at any time. Every
 * member may be left out; one that is not known is an error.
 *
 *   {"fleets":   [{"account","region","count","seed","things","jobs","executions","groups","thing_types",
 *                  "thing_attributes","reuse_numbers","quotas":{OPERATION: requests a second}}],
 *    "users":    [{"account","name","access_key","secret_key","session_token","policy"}],
 *    "roles":    [{"account","name","count","trust":[...],"external_id","max_session_s","policy",
 *                  "web_identity":BOOL}],
 *    "quotas":   {OPERATION: requests a second},
 *    "sessions": {"life_s","early_s","packed_policy_max"},
 *    "web_identity": {"token","mode":"ok|idp-down|expired|invalid|rejected"},
 *    "metadata": see iotsim_metadata.h,
 *    "index": {"ready":BOOL}}
 *
 * "count" makes as many, in accounts that count up from "account". "quotas" at the top are those of STS and
 * of whatever else the fleet does not count, for each account and region by itself; those of a fleet are its
 * own. A fleet takes the command line's values for what it does not say, but for numbers of what it has,
 * which are 0 then. */
#ifndef SIM_IOTSIM_SETUP_H
#define SIM_IOTSIM_SETUP_H

#include "sim/iotsim.h"

/* -1 with err; what came before the mistake stays. */
int iotsim_setup(struct iotsim *sim, const char *text, size_t length, int64_t now_ms, struct err *err);
int iotsim_setup_file(struct iotsim *sim, const char *path, int64_t now_ms, struct err *err);

#endif
