/* What is archived must be on the disk before it is deleted: the document of the state that was looked at,
 * and one of its job. See sim/oracle.h. */
#include "base/mem.h"
#include "base/names.h"
#include "sim/oracle_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX ((size_t)256 * 1024 * 1024)

bool oracle_must_archive(const struct policy *policy)
{
    return policy->archive_directory && !policy->archive_optional;
}

/* What the look showed of this row, as the service would write it. */
static bool is_shown(const struct slot *slot, const struct shadow_row *row,
                     const struct archive_request *request)
{
    struct call call = {.operation = OPERATION_DESCRIBE_EXECUTION, .execution = *request->execution};
    call.execution.fingerprint = row->print;
    call.execution.fingerprint.version_number = slot->version;
    fleet_document(&call);
    bool same = strcmp(call.document, request->document) == 0;
    free(call.document);
    return same;
}

void oracle_archived(struct oracle *oracle, const struct archive_request *request)
{
    const struct job_execution *execution = request->execution;
    if (request->err.code != ERR_NONE) {
        oracle->unarchived = true;
        return;
    }
    if (shelf_unsynced(oracle->sim->shelf)) {
        sim_break(oracle->sim, "archive first: a document was confirmed that is not synced");
    }
    if (request->operation != ARCHIVE_EXECUTION) {
        return;
    }
    uint32_t index = oracle_find_slot(oracle, execution->job_id, execution->thing_name, execution->number);
    struct slot *slot = index == UINT32_MAX ? NULL : &oracle->slots[index];
    const struct shadow_row *row = slot ? oracle_shadow_row(oracle, request->run, request->row) : NULL;
    if (!row || slot->run != request->run || slot->row != request->row || !slot->checked ||
        !is_shown(slot, row, request)) {
        sim_break(oracle->sim, "archive first: %s is not what the look showed", request->document);
        return;
    }
    slot->archived = true;
    oracle->sim->totals.archived++;
}

/* --- what lies there -------------------------------------------------------------------------------------
 */

static void read_all(const struct oracle *oracle, struct buf *text)
{
    const struct shelf *shelf = oracle->sim->shelf;
    buf_init(text, LINES_MAX);
    for (size_t i = 0; i < shelf_files(shelf); i++) {
        shelf_read(shelf, i, true, text);
        if (text->length > 0 && text->data[text->length - 1] != '\n') { /* a frame that is torn */
            buf_char(text, '\n');
        }
    }
}

/* As anybody would read it, after a crash at this moment. */
static void check_lines(struct oracle *oracle, const struct call *call, const struct slot *slot)
{
    struct buf text;
    char of_row[64], of_job[64], id[JOB_ID_MAX + 16];
    bool job = false;
    read_all(oracle, &text);
    snprintf(of_row, sizeof of_row, "{\"kind\":\"execution\",\"run\":%lld,\"row\":%lld,",
             (long long)slot->run, (long long)slot->row);
    snprintf(of_job, sizeof of_job, "{\"kind\":\"job\",\"run\":%lld,", (long long)slot->run);
    snprintf(id, sizeof id, "\"job_id\":\"%s\"", call->job_id);
    for (const char *at = strstr(buf_string(&text), of_job); at && !job; at = strstr(at + 1, of_job)) {
        const char *found = strstr(at, id);
        job = found && found < strchr(at, '\n');
    }
    if (!strstr(buf_string(&text), of_row) || !job) {
        sim_break(oracle->sim, "archive first: a crash would lose the document of %s/%s/%lld", call->job_id,
                  call->thing_name, (long long)call->number);
    }
    buf_finish(&text);
}

void oracle_check_archive(struct oracle *oracle, const struct call *call, const struct slot *slot,
                          bool closely)
{
    if (!oracle_must_archive(oracle->policy)) {
        return;
    }
    if (!slot->archived) {
        sim_break(oracle->sim, "archive first: %s/%s/%lld is sent and not archived", call->job_id,
                  call->thing_name, (long long)call->number);
    } else if (oracle->unarchived) {
        sim_break(oracle->sim, "guards: sent after the archive failed");
    } else if (closely) {
        check_lines(oracle, call, slot);
    }
}

/* Every loss through a policy that must archive has its line. */
void oracle_judge_archive(struct oracle *oracle)
{
    struct names *lines = names_create();
    struct buf text;
    read_all(oracle, &text);
    for (const char *at = buf_string(&text); *at != '\0'; at = strchr(at, '\n') + 1) {
        char key[64];
        long long run, row;
        if (sscanf(at, "{\"kind\":\"execution\",\"run\":%lld,\"row\":%lld,", &run, &row) == 2) {
            snprintf(key, sizeof key, "%lld/%lld", run, row);
            names_intern(lines, key);
        }
    }
    for (const struct attempt *attempt = oracle->attempts; attempt; attempt = attempt->next) {
        char key[64];
        snprintf(key, sizeof key, "%lld/%lld", (long long)attempt->run, (long long)attempt->row);
        if (attempt->executed > 0 && oracle_must_archive(oracle_shadow(oracle, attempt->run)->policy) &&
            names_find(lines, key) == UINT32_MAX) {
            sim_break(oracle->sim, "archive first: %s went and is not in the archive",
                      names_text(oracle->slot_names, attempt->slot));
        }
    }
    buf_finish(&text);
    names_destroy(lines);
}
