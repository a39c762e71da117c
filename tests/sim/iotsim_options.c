/* The command line of iotsim. */
#include "base/text.h"
#include "model/names.h"
#include "sim/fleet_registry.h"
#include "sim/iotsim_route.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: iotsim [options]\n"
    "\n"
    "Answers as the control plane of AWS IoT Jobs would, from a fleet made from a seed, on 127.0.0.1.\n"
    "Prints 'iotsim: listening on URL ca=FILE' when ready; ends on SIGTERM, SIGINT or /_iotsim/quit\n"
    "with the counts as one line of JSON. /_iotsim/counts and /_iotsim/deleted tell what happened;\n"
    "tests/sim/iotsim_control.c has the rest.\n"
    "\n"
    "  --port N              0 (the default) takes any that is free\n"
    "  --plain               http; the default is https\n"
    "  --metadata-port N     one more port, without TLS, for what hands out credentials (instance metadata,\n"
    "                        containers, SSO): see tests/sim/iotsim_metadata.h; the ready line tells it as "
    "metadata=URL\n"
    "  --ca-file FILE        gets the CA's certificate; needed with https\n"
    "  --access-key KEY, --secret-key KEY, --session-token TOKEN\n"
    "                        what requests must be signed with; the defaults are AWS's examples\n"
    "  --account ID, --region NAME\n"
    "                        whose fleet it is: 123456789012, us-east-1\n"
    "  --seed N              of fleet, latency and faults; 1\n"
    "  --things N, --jobs N, --executions N, --groups N\n"
    "                        100, 10, 1000, 5\n"
    "  --thing-types N, --thing-attributes N\n"
    "                        each thing has one of N types, and N attributes; 0\n"
    "  --reuse-numbers       a new execution takes a freed number\n"
    "  --quota OP=N          requests a second for an operation or 'all'; 0: AWS's default, -1: no limit\n"
    "  --latency MS[..MS]    of each answer, half before the execution and half after; 0\n"
    "  --fault KIND=RATE[,...]\n"
    "                        RATE from 0 to 1; KIND: throttle, 500, 503, expired, denied, garbage,\n"
    "                        reset-before, close-keepalive, stall: not executed; 500-executed,\n"
    "                        reset-after, truncate: executed\n"
    "  --fault-ops OP[,...]  only these operations; all by default\n"
    "  --fault-limit N       only the first N faults happen\n"
    "  --skew SECONDS        the service's clock is ahead of ours by this (may be negative)\n"
    "  --signature-life SECONDS\n"
    "                        how old a signature may be; 300\n"
    "  --rebirth RATE        from 0 to 1: what was deleted is at once made anew by somebody else, finished\n"
    "  --journal FILE        gets a line of JSON for each step of each DeleteJobExecution; may be a FIFO\n"
    "  --world FILE          more accounts, regions, users, roles and so on, as JSON: see "
    "tests/sim/iotsim_setup.h; a "
    "POST\n"
    "                        of the same to /_iotsim/world changes it later\n"
    "  --help\n";

/* --- options with a meaning of their own --- */

static int set_quota(struct iotsim_options *options, const char *value, struct err *err)
{
    char name[64];
    int64_t rate = -1;
    size_t length = strcspn(value, "=");
    if (length >= sizeof name || value[length] != '=' ||
        (strcmp(value + length, "=-1") != 0 && !text_int64(value + length + 1, 0, 1000000, &rate))) {
        return err_set(err, ERR_INVALID, "--quota %s: give OPERATION=N, N from -1 to 1000000", value);
    }
    memcpy(name, value, length);
    name[length] = '\0';
    bool all = strcmp(name, "all") == 0, found = all;
    enum operation operation = operation_parse(name);
    for (int i = 0; i < OPERATION_COUNT; i++) {
        if (all || i == (int)operation) {
            options->fleet.quota[i] = (int)rate;
        }
    }
    for (size_t i = 0; i < iotsim_route_count(); i++) {
        if (all || strcmp(iotsim_routes[i].name, name) == 0) {
            options->quotas[i] = (int)rate;
            found = true;
        }
    }
    return found ? 0 : err_set(err, ERR_INVALID, "--quota %s: there is no such operation", value);
}

static int set_latency(struct iotsim_options *options, const char *value, struct err *err)
{
    char least[16], *dots;
    int64_t from, to;
    if (!text_copy(least, sizeof least, value)) {
        return err_set(err, ERR_INVALID, "--latency %s: give MS or MS..MS", value);
    }
    dots = strstr(least, "..");
    if (dots) {
        *dots = '\0';
    }
    if (!text_int64(least, 0, 600000, &from) || !text_int64(dots ? dots + 2 : least, from, 600000, &to)) {
        return err_set(err, ERR_INVALID, "--latency %s: give MS or MS..MS, at most 600000", value);
    }
    options->latency_min_ms = (int)from;
    options->latency_max_ms = (int)to;
    return 0;
}

static int set_skew(struct iotsim_options *options, const char *value, struct err *err)
{
    int64_t seconds;
    bool behind = *value == '-';
    if (!text_int64(value + behind, 0, 1000000000, &seconds)) {
        return err_set(err, ERR_INVALID, "--skew %s: give whole seconds", value);
    }
    options->skew_ms = (behind ? -seconds : seconds) * 1000;
    return 0;
}

static int set_rebirth(struct iotsim_options *options, const char *value, struct err *err)
{
    return fault_rate(value, &options->rebirth, err);
}

static int add_faults(struct iotsim_options *options, const char *value, struct err *err)
{
    return fault_parse(&options->faults, value, err);
}

/* --- the table --- */

enum kind { HELP, SET, NUMBER, LONG, TEXT, OWN };

static const struct {
    const char *name;
    enum kind kind;
    size_t offset; /* of a bool, int, int64_t or const char * in struct iotsim_options */
    int64_t max;   /* of NUMBER and LONG; the least is 0 */
    int (*set)(struct iotsim_options *options, const char *value, struct err *err);
} table[] = {
#define AT(member) offsetof(struct iotsim_options, member)
    {"help", HELP, 0, 0, NULL},
    {"port", NUMBER, AT(port), 65535, NULL},
    {"metadata-port", NUMBER, AT(metadata_port), 65535, NULL},
    {"plain", SET, AT(plain), 0, NULL},
    {"ca-file", TEXT, AT(ca_file), 0, NULL},
    {"access-key", TEXT, AT(access_key), 0, NULL},
    {"secret-key", TEXT, AT(secret_key), 0, NULL},
    {"session-token", TEXT, AT(session_token), 0, NULL},
    {"account", TEXT, AT(fleet.account), 0, NULL},
    {"region", TEXT, AT(fleet.region), 0, NULL},
    {"seed", LONG, AT(fleet.seed), INT64_MAX, NULL},
    {"things", NUMBER, AT(fleet.things), 1000000, NULL},
    {"jobs", NUMBER, AT(fleet.jobs), 10000, NULL},
    {"executions", LONG, AT(fleet.executions), 100000000, NULL},
    {"groups", NUMBER, AT(fleet.groups), 10000, NULL},
    {"thing-types", NUMBER, AT(fleet.thing_types), 1000, NULL},
    {"thing-attributes", NUMBER, AT(fleet.thing_attributes), FLEET_ATTRIBUTES_MAX, NULL},
    {"reuse-numbers", SET, AT(fleet.reuse_numbers), 0, NULL},
    {"quota", OWN, 0, 0, set_quota},
    {"latency", OWN, 0, 0, set_latency},
    {"fault", OWN, 0, 0, add_faults},
    {"fault-ops", TEXT, AT(faults.operations), 0, NULL},
    {"fault-limit", LONG, AT(faults.limit), INT64_MAX, NULL},
    {"skew", OWN, 0, 0, set_skew},
    {"signature-life", LONG, AT(signature_life_s), 100000, NULL},
    {"rebirth", OWN, 0, 0, set_rebirth},
    {"journal", TEXT, AT(journal), 0, NULL},
    {"world", TEXT, AT(world), 0, NULL},
#undef AT
};

#define TABLE_SIZE (sizeof table / sizeof *table)

static int set_one(struct iotsim_options *options, size_t index, const char *value, struct err *err)
{
    void *at = (char *)options + table[index].offset;
    int64_t number = 0;
    if ((table[index].kind == NUMBER || table[index].kind == LONG) &&
        !text_int64(value, 0, table[index].max, &number)) {
        return err_set(err, ERR_INVALID, "--%s %s: give a number from 0 to %lld", table[index].name, value,
                       (long long)table[index].max);
    }
    switch (table[index].kind) {
    case HELP:
        fputs(help, stdout);
        return 1;
    case SET:
        *(bool *)at = true;
        return 0;
    case NUMBER:
        *(int *)at = (int)number;
        return 0;
    case LONG:
        *(int64_t *)at = number;
        return 0;
    case TEXT:
        *(const char **)at = value;
        return 0;
    case OWN:
        break;
    }
    return table[index].set(options, value, err);
}

static bool all_operations(const char *list)
{
    char name[64];
    for (size_t length; *list; list += length + (list[length] == ',')) {
        size_t i = 0;
        length = strcspn(list, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, list);
        while (i < iotsim_route_count() && strcmp(iotsim_routes[i].name, name) != 0) {
            i++;
        }
        if (i == iotsim_route_count()) {
            return false;
        }
    }
    return true;
}

static int check(const struct iotsim_options *options, struct err *err)
{
    if (!region_valid(options->fleet.region)) {
        return err_set(err, ERR_INVALID, "--region %s: not a region", options->fleet.region);
    }
    if (!account_id_valid(options->fleet.account)) {
        return err_set(err, ERR_INVALID, "--account %s: not twelve digits", options->fleet.account);
    }
    if (options->faults.operations && !all_operations(options->faults.operations)) {
        return err_set(err, ERR_INVALID, "--fault-ops %s: there is no such operation",
                       options->faults.operations);
    }
    if (!options->plain && !options->ca_file) {
        return err_set(err, ERR_INVALID, "give --ca-file FILE (or --plain)");
    }
    return 0;
}

int iotsim_options(struct iotsim_options *options, int argc, char **argv, struct err *err)
{
    struct option words[TABLE_SIZE + 1] = {{0}};
    int found, result;
    *options = (struct iotsim_options){.access_key = "AKIDEXAMPLE",
                                       .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                       .metadata_port = -1,
                                       .faults.limit = -1,
                                       .signature_life_s = 300};
    options->fleet = (struct fleet_config){.seed = 1,
                                           .things = 100,
                                           .jobs = 10,
                                           .executions = 1000,
                                           .groups = 5,
                                           .account = "123456789012",
                                           .region = "us-east-1"};
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        bool takes_value = table[i].kind >= NUMBER;
        words[i] =
            (struct option){table[i].name, takes_value ? required_argument : no_argument, NULL, (int)i};
    }
    opterr = 0;
    while ((found = getopt_long(argc, argv, ":", words, NULL)) != -1) {
        if (found == '?' || found == ':') {
            return err_set(err, ERR_INVALID, "%s: unknown option, or one without its value (see --help)",
                           argv[optind - 1]);
        }
        result = set_one(options, (size_t)found, optarg, err);
        if (result) {
            return result;
        }
    }
    if (optind < argc) {
        return err_set(err, ERR_INVALID, "unexpected argument '%s'", argv[optind]);
    }
    random_seed(&options->faults.random, options->fleet.seed ^ UINT64_C(0x6661756c7473));
    return check(options, err);
}
