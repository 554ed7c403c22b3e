#include "ctl/export_summary.h"

#include "ctl/output.h"

#include <stdio.h>
#include <sysexits.h>

#define INCOMPLETE 1

static guint failures_of(const DmExportSummary *summary)
{
    return summary->outcome != NULL ? summary->outcome->failures->len : 0;
}

static gboolean is_complete(const DmExportSummary *summary)
{
    return summary->read_back && !summary->stopped && summary->counts.gone == 0 && failures_of(summary) == 0 &&
           summary->checked.damaged == 0 && !summary->checked.unfinished;
}

/* Whether all is there that the provider has, only an export can tell. */
static const char *word_for(const DmExportSummary *summary)
{
    if (summary->outcome != NULL)
        return is_complete(summary) ? "complete" : "incomplete";
    return is_complete(summary) ? "good" : "not good";
}

static void print_json(const DmExportSummary *summary)
{
    g_autofree char *name = g_utf8_make_valid(summary->name, -1);
    json_t *failed = json_array();
    json_t *object =
        json_pack("{s:s, s:b, s:i, s:I, s:i, s:i, s:i, s:i, s:o}", "name", name, "stopped", summary->stopped,
                  "messages", (int)summary->counts.messages, "bytes", (json_int_t)summary->counts.bytes, "not_valid",
                  (int)summary->counts.invalid, "gone", (int)summary->counts.gone, "good", (int)summary->checked.good,
                  "damaged", (int)summary->checked.damaged, "failed", failed);

    for (guint i = 0; i < failures_of(summary); i++) {
        const DmExportFailure *failure = g_ptr_array_index(summary->outcome->failures, i);

        json_array_append_new(failed, json_pack("{s:s, s:s, s:s}", "id", failure->id, "folder", failure->folder,
                                                "reason", failure->reason));
    }
    if (summary->outcome != NULL) {
        json_object_set_new(object, "complete", json_boolean(is_complete(summary)));
        json_object_set_new(object, "taken", json_integer(summary->outcome->taken));
        json_object_set_new(object, "listed", json_integer(summary->outcome->listed));
    }
    dm_output_json_line(object);
}

static void print_plain(const DmExportSummary *summary)
{
    const DmManifestCounts *counts = &summary->counts;

    printf("%s: %s: %u messages, %" G_GINT64_FORMAT " bytes, %u not valid", summary->name, word_for(summary),
           counts->messages, counts->bytes, counts->invalid);
    if (summary->outcome != NULL)
        printf("; %u taken now", summary->outcome->taken);
    if (summary->read_back)
        printf("; %u read back and good", summary->checked.good);
    if (summary->checked.damaged > 0)
        printf(", %u damaged", summary->checked.damaged);
    if (counts->gone > 0)
        printf("; %u gone at the provider", counts->gone);
    if (failures_of(summary) > 0)
        printf("; %u not to be had", failures_of(summary));
    printf("%s\n", summary->stopped ? "; stopped: the same command goes on" : "");
}

static void complain_of_failures(const DmExportSummary *summary)
{
    for (guint i = 0; i < failures_of(summary); i++) {
        const DmExportFailure *failure = g_ptr_array_index(summary->outcome->failures, i);
        g_autofree char *id = dm_output_plain(failure->id);
        g_autofree char *line = g_strdup_printf("export: %s: message %s: %s; the same command tries it again",
                                                failure->folder, id, failure->reason);

        dm_output_complain(line);
    }
}

int dm_export_summary(const DmExportSummary *summary, gboolean json)
{
    complain_of_failures(summary);
    if (json)
        print_json(summary);
    else
        print_plain(summary);
    if (summary->stopped)
        return EX_TEMPFAIL;
    if (summary->checked.damaged > 0)
        return EX_DATAERR;
    return is_complete(summary) ? EX_OK : INCOMPLETE;
}
