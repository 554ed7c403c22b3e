#include "ctl/check/finding.h"

#include "ctl/output.h"

#include <stdarg.h>
#include <string.h>

static void free_finding(gpointer data)
{
    DmCheckFinding *finding = data;

    g_free(finding->problem);
    g_free(finding->command);
    g_free(finding);
}

GPtrArray *dm_check_findings_new(void)
{
    return g_ptr_array_new_with_free_func(free_finding);
}

void dm_check_findings_add(GPtrArray *findings, DmCheckFinding finding)
{
    g_autofree char *text = finding.problem;

    finding.problem = dm_output_plain(text);
    for (guint i = 0; i < findings->len; i++) {
        const DmCheckFinding *other = g_ptr_array_index(findings, i);
        if (g_str_equal(other->problem, finding.problem)) {
            g_free(finding.problem);
            g_free(finding.command);
            return;
        }
    }
    DmCheckFinding *kept = g_new(DmCheckFinding, 1);
    *kept = finding;
    g_ptr_array_add(findings, kept);
}

gboolean dm_check_findings_have_error(const GPtrArray *findings)
{
    for (guint i = 0; i < findings->len; i++) {
        if (((const DmCheckFinding *)g_ptr_array_index(findings, i))->severity == DM_CHECK_ERROR)
            return TRUE;
    }
    return FALSE;
}

GPtrArray *dm_check_findings_by_weight(const GPtrArray *findings)
{
    static const DmCheckSeverity severities[] = {DM_CHECK_ERROR, DM_CHECK_WARNING};
    GPtrArray *order = g_ptr_array_new();

    for (guint i = 0; i < G_N_ELEMENTS(severities); i++) {
        for (guint j = 0; j < findings->len; j++) {
            DmCheckFinding *finding = g_ptr_array_index(findings, j);
            if (finding->severity == severities[i])
                g_ptr_array_add(order, finding);
        }
    }
    return order;
}

char *dm_check_command(const DmCheckFinding *finding, const char *reload)
{
    return finding->script ? g_strconcat(finding->command, " && ", reload, NULL) : g_strdup(finding->command);
}

json_t *dm_check_findings_json(const GPtrArray *findings, const char *reload)
{
    json_t *array = json_array();

    for (guint i = 0; i < findings->len; i++) {
        const DmCheckFinding *finding = g_ptr_array_index(findings, i);
        g_autofree char *whole = dm_check_command(finding, reload);
        g_autofree char *command = g_utf8_make_valid(whole, -1);
        json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:s, s:s}", "code", finding->code, "severity",
                                               finding->severity == DM_CHECK_ERROR ? "error" : "warning", "problem",
                                               finding->problem, "why", finding->why, "command", command));
    }
    return array;
}

char *dm_shell_word(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+.,:/@%=";

    if (word[0] != '\0' && word[strspn(word, plain)] == '\0')
        return g_strdup(word);
    return g_shell_quote(word);
}

char *dm_shell_command(const char *word, ...)
{
    GString *line = g_string_new(NULL);
    va_list words;

    va_start(words, word);
    for (const char *next = word; next != NULL; next = va_arg(words, const char *)) {
        g_autofree char *quoted = dm_shell_word(next);
        g_string_append_printf(line, "%s%s", line->len > 0 ? " " : "", quoted);
    }
    va_end(words);
    return g_string_free(line, FALSE);
}
