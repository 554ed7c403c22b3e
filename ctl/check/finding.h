/*
 * What demailctl check finds: what is wrong, why it matters, and the command that mends it.
 */
#ifndef DEMAIL_CTL_CHECK_FINDING_H
#define DEMAIL_CTL_CHECK_FINDING_H

#include <glib.h>
#include <jansson.h>

typedef enum {
    DM_CHECK_ERROR,   /* De-Mail does not work, or may leave as plain e-mail */
    DM_CHECK_WARNING, /* works, but not as well or not for long */
} DmCheckSeverity;

typedef struct {
    const char *code; /* stable, for programs: "postfix.smtpd-without-milter"; static */
    DmCheckSeverity severity;
    char *problem;   /* one line that names the place */
    const char *why; /* static */
    char *command;   /* for a shell, run as root */
    gboolean script; /* it changes Postfix's settings, which Postfix then has to read */
} DmCheckFinding;

/* An array of findings that frees them. */
GPtrArray *dm_check_findings_new(void);

/* Adds a finding once: one with the same problem is dropped. Takes `problem` and `command`, copies the rest. What the
 * problem quotes may be a stranger's: it becomes one line of plain text, which stays a comment in a script. */
void dm_check_findings_add(GPtrArray *findings, DmCheckFinding finding);

/* Whether one of them is an error. */
gboolean dm_check_findings_have_error(const GPtrArray *findings);

/* The same findings, errors first, each kind in the order in which its commands build on each other; they stay
 * `findings`'. g_ptr_array_unref(). */
GPtrArray *dm_check_findings_by_weight(const GPtrArray *findings);

/* The command with `reload` behind it where it changes Postfix's settings. g_free(). */
char *dm_check_command(const DmCheckFinding *finding, const char *reload);

/* An array of objects with code, severity, problem, why and command. */
json_t *dm_check_findings_json(const GPtrArray *findings, const char *reload);

/* A command line of the words up to NULL, each quoted where a shell needs it. g_free(). */
char *dm_shell_command(const char *word, ...) G_GNUC_NULL_TERMINATED;

/* One word, quoted where a shell needs it. g_free(). */
char *dm_shell_word(const char *word);

#endif
