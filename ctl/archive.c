#include "common/archive_verify.h"
#include "common/program.h"
#include "ctl/command.h"
#include "ctl/output.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define NOT_GOOD 1

typedef struct {
    const char *dir;
    gboolean json;
    json_t *problems;
    json_t *months;
} Verification;

static void print_problem(const DmArchiveProblem *problem, gpointer data)
{
    const Verification *verification = data;

    if (verification->json) {
        g_autofree char *valid_file = g_utf8_make_valid(problem->file, -1);
        g_autofree char *valid_reason = g_utf8_make_valid(problem->reason, -1);
        json_t *object = json_pack("{s:s, s:s, s:s}", "kind", dm_archive_problem_word(problem->kind), "file",
                                   valid_file, "reason", valid_reason);
        if (problem->line > 0)
            json_object_set_new(object, "line", json_integer(problem->line));
        json_array_append_new(verification->problems, object);
        return;
    }
    g_autofree char *file = dm_output_plain(problem->file);
    g_autofree char *reason = dm_output_plain(problem->reason);

    printf("%s: %s", dm_archive_problem_word(problem->kind), file);
    if (problem->line > 0)
        printf(", line %" G_GINT64_FORMAT, problem->line);
    printf(": %s\n", reason);
}

static void print_month(const char *month, gint64 lines, const char *head, gpointer data)
{
    const Verification *verification = data;

    if (verification->json)
        json_array_append_new(verification->months,
                              json_pack("{s:s, s:I, s:s}", "month", month, "lines", (json_int_t)lines, "head", head));
    else
        printf("%s: %" G_GINT64_FORMAT " messages, head %s\n", month, lines, head);
}

static void print_report(const Verification *verification, const DmArchiveReport *report)
{
    g_autofree char *dir = g_utf8_make_valid(verification->dir, -1);

    if (verification->json) {
        dm_output_json(json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:b, s:s, s:O, s:O}", "dir", dir, "valid",
                                 report->problems == 0, "messages", (json_int_t)report->messages, "bytes",
                                 (json_int_t)report->bytes, "begun", (json_int_t)report->begun, "unfinished",
                                 (json_int_t)report->unfinished, "in_use", (int)report->in_use, "head", report->head,
                                 "months", verification->months, "problems", verification->problems));
        return;
    }
    if (report->begun > 0)
        printf("%" G_GINT64_FORMAT " messages are under way: submitted, and their result is not known yet\n",
               report->begun);
    if (report->unfinished > 0)
        printf("%" G_GINT64_FORMAT " files have their line and not their place yet\n", report->unfinished);
    printf("%s: %s: %" G_GINT64_FORMAT " messages, %" G_GINT64_FORMAT " bytes, %" G_GINT64_FORMAT
           " problems\nhead %s\n",
           verification->dir, report->problems == 0 ? "good" : "NOT GOOD", report->messages, report->bytes,
           report->problems, report->head);
}

static int verify(const char *dir, const char *before, const char *must_have, gboolean json)
{
    g_autoptr(GError) error = NULL;
    Verification verification = {dir, json, json_array(), json_array()};
    const DmArchiveVerification order = {.dir = dir,
                                         .before = before,
                                         .must_have = must_have,
                                         .problem = print_problem,
                                         .month = print_month,
                                         .data = &verification};
    DmArchiveReport report = {0};

    if (dm_program_become_owner(dir, &error) && dm_archive_verify(&order, &report, &error))
        print_report(&verification, &report);
    json_decref(verification.problems);
    json_decref(verification.months);
    if (error == NULL)
        return report.problems == 0 ? EX_OK : NOT_GOOD;
    dm_output_complain(error->message);
    return dm_error_exit_code(error);
}

static gboolean is_hash(const char *option, const char *text)
{
    if (text == NULL ||
        (strlen(text) == DM_ARCHIVE_HASH_SIZE - 1 && strspn(text, "0123456789abcdef") == DM_ARCHIVE_HASH_SIZE - 1))
        return TRUE;
    g_autofree char *problem = g_strdup_printf("archive: %s %s: give a SHA-256 as 64 hex digits in lower case, such as "
                                               "\"archive verify\" prints as head",
                                               option, text);
    dm_output_complain(problem);
    return FALSE;
}

int dm_ctl_archive(const DmCtl *ctl, int argc, char **argv)
{
    g_autofree char *before = NULL;
    g_autofree char *must_have = NULL;
    gboolean json = ctl->json;
    const GOptionEntry entries[] = {
        {"head", 0, 0, G_OPTION_ARG_STRING, &before, "The head of the months before, which are elsewhere", "HASH"},
        {"contains", 0, 0, G_OPTION_ARG_STRING, &must_have, "A line with this hash must be there", "HASH"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
    };

    if (!dm_ctl_options("archive", "verify DIR", entries, &argc, &argv))
        return EX_USAGE;
    if (argc != 3 || strcmp(argv[1], "verify") != 0) {
        dm_output_complain("archive: give \"verify\" and one folder, the archive_dir of a tenant or a copy of it");
        return EX_USAGE;
    }
    if (!is_hash("--head", before) || !is_hash("--contains", must_have))
        return EX_USAGE;
    return verify(argv[2], before, must_have, json);
}
