/* What a sweep has to do with the archive: engine/archivist.h does the rest. */
#include "engine/sweep_private.h"

int sweep_archive_begin(struct sweep *sweep, struct err *err)
{
    const struct sweep_config *config = &sweep->config;
    const struct archivist_config archivist = {.env = config->env,
                                               .dispatcher = config->dispatcher,
                                               .archive = config->archive,
                                               .directory = config->policy->archive_directory,
                                               .header = &sweep->header,
                                               .run = sweep->run,
                                               .optional = config->policy->archive_optional,
                                               .owner = sweep,
                                               .warning = sweep_warn};
    if (archivist.directory == NULL || sweep->settle_only) {
        return 0;
    }
    if (archivist.archive == NULL) {
        return err_set(err, ERR_ARCHIVE, "the policy archives, and there is no archive");
    }
    sweep->archivist = archivist_create(&archivist);
    return 0;
}

static void on_closed(void *owner)
{
    struct sweep *sweep = owner;
    sweep->archive_closed(sweep);
}

void sweep_archive_end(struct sweep *sweep, void (*done)(struct sweep *sweep))
{
    if (sweep->archivist == NULL) {
        done(sweep);
        return;
    }
    sweep->archive_closed = done;
    archivist_close(sweep->archivist, on_closed, &sweep->report.archive);
}
