/* What became of a selected job execution. A report's outcomes add up to what was selected, always. */
#ifndef MODEL_OUTCOME_H
#define MODEL_OUTCOME_H

enum outcome {
    OUTCOME_PENDING = 0,      /* not settled yet; never in a finished report */
    OUTCOME_DELETED,          /* the service said so */
    OUTCOME_DELETED_PRESUMED, /* the answer was lost; a later look found it gone */
    OUTCOME_GONE,             /* somebody else, or the service, had deleted it before */
    OUTCOME_STATE_CHANGED,    /* the service refused because of its state (409) */
    OUTCOME_REPLACED,         /* another incarnation or state stands under its number: left alone */
    OUTCOME_PROTECTED,        /* protected since it was planned */
    OUTCOME_FAILED,           /* refused for good, or tried as often as allowed */
    OUTCOME_UNKNOWN,          /* sent, and no answer could be had about what became of it */
    OUTCOME_NOT_ATTEMPTED,    /* the sweep ended before its turn */
    OUTCOME_COUNT
};

const char *outcome_name(enum outcome outcome); /* "deleted", "deleted_presumed", ... */

#endif
