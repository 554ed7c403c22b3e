#include "poller/fate.h"

DmSentState dm_fate_of_result(const DmResult *result)
{
    switch (result->kind) {
    case DM_RESULT_ACCEPTED:
        return DM_SENT_ACCEPTED;
    case DM_RESULT_REFUSED:
        return DM_SENT_REFUSED;
    case DM_RESULT_DEFERRED:
        return DM_SENT_DEFERRED;
    case DM_RESULT_IN_PROGRESS:
        return DM_SENT_SUBMITTING;
    case DM_RESULT_UNKNOWN:
        break;
    }
    return DM_SENT_UNKNOWN;
}

DmSentState dm_fate_state(DmFate fate, const DmOutcome *outcome, const char *address)
{
    const DmResult *result = NULL;

    switch (fate) {
    case DM_FATE_NEVER_SEEN:
        return DM_SENT_DEFERRED;
    case DM_FATE_UNTOLD:
        return DM_SENT_UNKNOWN;
    case DM_FATE_TOLD:
        result = dm_outcome_find(outcome, address);
        break;
    }
    return result ? dm_fate_of_result(result) : DM_SENT_DEFERRED;
}
