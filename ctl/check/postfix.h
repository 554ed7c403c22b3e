/*
 * A Postfix's settings as postconf(1) tells them, in memory: what the rules judge, and what they edit.
 *
 * A rule that finds a mistake asks dm_postfix_set() for the command that mends it. That changes the settings in memory
 * too, so that the commands of several rules, run one after the other, give what all rules want.
 */
#ifndef DEMAIL_CTL_CHECK_POSTFIX_H
#define DEMAIL_CTL_CHECK_POSTFIX_H

#include <glib.h>

typedef struct {
    char *name; /* of the service: "smtp", "127.0.0.1:10025" */
    char *type; /* inet, unix, pass … */
    gboolean chroot;
    char *command; /* smtpd, cleanup, lmtp … */
    char *arguments;
    GHashTable *overrides; /* setting -> expanded value, of -o */
} DmPostfixService;

typedef struct {
    char *config_dir;     /* as for postconf -c; NULL: Postfix's own default */
    GHashTable *raw;      /* main.cf: setting -> value as written */
    GHashTable *expanded; /* the same, $names replaced */
    GPtrArray *services;  /* of DmPostfixService */

    GHashTable *found;  /* what the tables say: "TABLE\nKEY" -> value */
    GHashTable *broken; /* tables that can't be read -> why */
    GHashTable *stale;  /* compiled tables that are older than their source; a set */
    GHashTable *dead;   /* milters ("inet:host:port") that nobody answers at; a set */
} DmPostfix;

/* From the output of postconf, postconf -x, postconf -M and postconf -Px. The tables are empty. */
DmPostfix *dm_postfix_parse(const char *config_dir, const char *raw, const char *expanded, const char *services,
                            const char *overrides);
void dm_postfix_free(DmPostfix *postfix);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmPostfix, dm_postfix_free)

/* The value in force for the service (NULL: in main.cf), expanded; "" where there is none. */
const char *dm_postfix_get(const DmPostfix *postfix, const DmPostfixService *service, const char *setting);

/* Whether master.cf overrides the setting for the service. */
gboolean dm_postfix_overrides(const DmPostfixService *service, const char *setting);

/* The value as main.cf or master.cf has it, to be edited. */
const char *dm_postfix_source(const DmPostfix *postfix, const DmPostfixService *service, const char *setting);

/* The first service of that name and type, or NULL. */
DmPostfixService *dm_postfix_service(const DmPostfix *postfix, const char *name, const char *type);

/* Sets a value where it comes from: for the service if that overrides the setting, else in main.cf. Returns the command
 * that does it. g_free(). */
char *dm_postfix_set(DmPostfix *postfix, DmPostfixService *service, const char *setting, const char *value);

/* The same, always for the service. */
char *dm_postfix_set_override(DmPostfix *postfix, DmPostfixService *service, const char *setting, const char *value);

/* Takes the override away. */
char *dm_postfix_drop_override(DmPostfix *postfix, DmPostfixService *service, const char *setting);

/* Runs the service outside of the chroot. */
char *dm_postfix_leave_chroot(DmPostfix *postfix, DmPostfixService *service);

/* Makes or replaces a service; `line` as in master.cf, on one line. */
char *dm_postfix_make_service(const DmPostfix *postfix, const char *name, const char *type, const char *line);

/* "postconf -c DIR" or "postmap -c DIR", without -c for the default. g_free(). */
char *dm_postfix_tool(const DmPostfix *postfix, const char *tool);

/* The elements of a list that is separated by commas or white space; "{ … }" is one element, braces included. */
char **dm_postfix_list(const char *value);

/* What the table says about the key, or NULL. */
const char *dm_postfix_find(const DmPostfix *postfix, const char *table, const char *key);

/* The same, for filling in. */
void dm_postfix_note(DmPostfix *postfix, const char *table, const char *key, const char *value);

#endif
