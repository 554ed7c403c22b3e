#include "common/nearest.h"
#include "ctl/command.h"
#include "ctl/csv.h"
#include "ctl/entry_view.h"
#include "ctl/grid.h"
#include "ctl/journal_open.h"
#include "ctl/output.h"
#include "ctl/report_groups.h"
#include "ctl/timespan.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define COLUMNS    (DM_REPORT_KEYS + DM_REPORT_COUNTS)
#define DEFAULT_BY "tenant,unit,month"

typedef struct {
    DmJournal *journal;
    DmReportGroups *groups;
    const char *tenant; /* NULL: all */
    gint64 from;
    gint64 to; /* up to and without it */
    guint by;  /* set of 1 << DmReportKey */
    gboolean csv;
    gboolean json;
    DmGrid *grid; /* neither */
} Report;

static gboolean add_entry(const DmJournalEntry *entry, gpointer data, GError **error)
{
    const Report *report = data;
    DmEntryView view;
    gboolean found = FALSE;

    gboolean good = dm_entry_view_load(report->journal, entry, &view, &found, error);
    if (good && found && (report->tenant == NULL || strcmp(view.tenant, report->tenant) == 0)) {
        gint64 time = dm_entry_view_time(&view);
        if (time >= report->from && time < report->to)
            dm_report_groups_add(report->groups, &view);
    }
    dm_entry_view_clear(&view);
    return good;
}

/* The keys that it is grouped by, and all counts; how many. */
static gsize titles(const Report *report, const char *cells[COLUMNS])
{
    gsize n = 0;

    for (guint i = 0; i < DM_REPORT_KEYS; i++) {
        if ((report->by & 1U << i) != 0)
            cells[n++] = dm_report_key_word((DmReportKey)i);
    }
    for (guint i = 0; i < DM_REPORT_COUNTS; i++)
        cells[n++] = dm_report_count_word((DmReportCount)i);
    return n;
}

static void print_json(const Report *report, const DmReportGroup *group)
{
    json_t *object = json_object();

    for (guint i = 0; i < DM_REPORT_KEYS; i++) {
        g_autofree char *valid = g_utf8_make_valid(group->keys[i], -1);
        if ((report->by & 1U << i) != 0)
            json_object_set_new(object, dm_report_key_word((DmReportKey)i), json_string(valid));
    }
    for (guint i = 0; i < DM_REPORT_COUNTS; i++)
        json_object_set_new(object, dm_report_count_word((DmReportCount)i), json_integer((json_int_t)group->counts[i]));
    dm_output_json_line(object);
}

static void print_cells(const Report *report, const char *const *cells, gsize n)
{
    if (report->csv) {
        g_autofree char *line = dm_csv_line(cells, n);
        fputs(line, stdout);
    } else {
        dm_grid_add(report->grid, cells);
    }
}

static void print_group(const DmReportGroup *group, gpointer data)
{
    const Report *report = data;
    const char *cells[COLUMNS];
    char numbers[DM_REPORT_COUNTS][sizeof "18446744073709551615"];
    gsize n = 0;

    if (report->json) {
        print_json(report, group);
        return;
    }
    for (guint i = 0; i < DM_REPORT_KEYS; i++) {
        if ((report->by & 1U << i) != 0)
            cells[n++] = group->keys[i];
    }
    for (guint i = 0; i < DM_REPORT_COUNTS; i++) {
        g_snprintf(numbers[i], sizeof numbers[i], "%" G_GUINT64_FORMAT, group->counts[i]);
        cells[n++] = numbers[i];
    }
    print_cells(report, cells, n);
}

/* On a narrow terminal the counts of options go first, those of recipients last. */
static guint rank_of(guint count)
{
    static const guint ranks[DM_REPORT_COUNTS] = {0, 0, 1, 2, 3, 9, 8, 7, 6, 5, 0, 4};

    return ranks[count];
}

static void print(Report *report)
{
    const char *words[COLUMNS];
    gsize n = titles(report, words);
    DmGridColumn columns[COLUMNS];

    for (gsize i = 0; i < n; i++) {
        gsize keys = n - DM_REPORT_COUNTS;
        columns[i] = i < keys ? (DmGridColumn){words[i], 8, 0, FALSE, NULL}
                              : (DmGridColumn){words[i], 0, rank_of((guint)(i - keys)), TRUE, NULL};
    }
    if (report->csv)
        print_cells(report, words, n);
    else if (!report->json)
        report->grid = dm_grid_new(columns, n);
    dm_report_groups_each(report->groups, print_group, report);
    if (report->grid != NULL)
        dm_grid_end(report->grid);
}

static int make(const DmCtl *ctl, Report *report)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmReportGroups) groups = dm_report_groups_new(report->by);
    DmCtlJournal opened;
    int exit_code = EX_OK;

    report->groups = groups;
    if (dm_ctl_journal_open(ctl, DM_JOURNAL_READ, &opened, &exit_code)) {
        dm_ctl_journal_warn_of_tenant(&opened, report->tenant);
        report->journal = opened.journal;
        if (dm_journal_list(opened.journal, report->from, add_entry, report, &error)) {
            print(report);
        } else {
            dm_output_complain(error->message);
            exit_code = dm_error_exit_code(error);
        }
    }
    dm_ctl_journal_close(&opened);
    return exit_code;
}

/* NULL, or what is wrong. */
static char *read_by(const char *text, guint *by)
{
    const char *words[DM_REPORT_KEYS + 1] = {NULL};
    g_auto(GStrv) asked = g_strsplit(text, ",", -1);

    *by = 0;
    if (strcmp(text, "none") == 0)
        return NULL;
    for (guint i = 0; i < DM_REPORT_KEYS; i++)
        words[i] = dm_report_key_word((DmReportKey)i);
    for (char **word = asked; *word != NULL; word++) {
        guint key = 0;
        while (key < DM_REPORT_KEYS && strcmp(words[key], *word) != 0)
            key++;
        if (key == DM_REPORT_KEYS)
            return g_strdup_printf("report: --by: \"%s\" is unknown; did you mean \"%s\"?", *word,
                                   dm_nearest(*word, words));
        *by |= 1U << key;
    }
    return asked[0] == NULL ? g_strdup("report: --by: name tenant, unit, month or option, or none") : NULL;
}

static char *check(Report *report, const char *from, const char *to, const char *by, int argc)
{
    gint64 other = 0;

    if (argc > 1)
        return g_strdup("report: takes no operand");
    if (report->csv && report->json)
        return g_strdup("report: give --csv or --json, not both");
    if (from != NULL && !dm_timespan_parse(from, &report->from, &other))
        return g_strdup_printf("report: --from %s: " DM_TIMESPAN_FORMS, from);
    if (to != NULL && !dm_timespan_parse(to, &other, &report->to))
        return g_strdup_printf("report: --to %s: " DM_TIMESPAN_FORMS, to);
    if (report->from >= report->to)
        return g_strdup("report: --to is before --from; exchange them");
    return read_by(by, &report->by);
}

int dm_ctl_report(const DmCtl *ctl, int argc, char **argv)
{
    g_autofree char *from = NULL;
    g_autofree char *to = NULL;
    g_autofree char *tenant = NULL;
    g_autofree char *by = NULL;
    Report report = {.to = G_MAXINT64, .json = ctl->json};
    const GOptionEntry entries[] = {
        {"from", 0, 0, G_OPTION_ARG_STRING, &from, "From the beginning of this month, day or time", "TIME"},
        {"to", 0, 0, G_OPTION_ARG_STRING, &to, "To the end of this month or day, or up to this time", "TIME"},
        {"tenant", 0, 0, G_OPTION_ARG_STRING, &tenant, "Only this tenant's", "TENANT"},
        {"by", 0, 0, G_OPTION_ARG_STRING, &by, "Group by tenant, unit, month, option, or none", "KEYS"},
        {"csv", 0, 0, G_OPTION_ARG_NONE, &report.csv, "Print CSV", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &report.json, "Print JSON, one object per line", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };

    if (!dm_ctl_options("report", "", entries, &argc, &argv))
        return EX_USAGE;
    g_autofree char *problem = check(&report, from, to, by != NULL ? by : DEFAULT_BY, argc);
    if (problem != NULL) {
        dm_output_complain(problem);
        return EX_USAGE;
    }
    report.tenant = tenant;
    return make(ctl, &report);
}
