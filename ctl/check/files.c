#include "ctl/check/files.h"

#include "common/expiry.h"
#include "common/secret.h"
#include "ctl/check/finding.h"
#include "ctl/check/rights.h"
#include "provider/credentials.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#define SOON_DAYS 30
#define DAY       86400 /* seconds */

typedef struct {
    const DmConfig *config;
    GPtrArray *findings;
    DmIdentity milter; /* without groups where the user does not exist */
    DmIdentity poller;
} Files;

static void add(const Files *files, DmCheckSeverity severity, const char *code, char *problem, const char *why,
                char *command)
{
    dm_check_findings_add(
        files->findings,
        (DmCheckFinding){.code = code, .severity = severity, .problem = problem, .why = why, .command = command});
}

static char *edit_config(const DmConfig *config)
{
    g_autofree char *file = dm_shell_word(config->file);

    return g_strconcat("\"${EDITOR:-vi}\" ", file, NULL);
}

/* Both users at once: what the package's description of users makes. */
static void check_user(const Files *files, const char *section, const char *user, const char *group,
                       DmIdentity *identity)
{
    if (!dm_identity_load(user, group, identity))
        add(files, DM_CHECK_ERROR, "user.missing",
            g_strdup_printf("%s: [%s]: there is no %s %s", files->config->file, section,
                            getpwnam(user) == NULL ? "user" : "group", getpwnam(user) == NULL ? user : group),
            "the daemon does not start", g_strdup("systemd-sysusers"));
}

static char *give_to_group(const char *path, const char *group)
{
    g_autofree char *word = dm_shell_word(path);
    g_autofree char *name = dm_shell_word(group);

    return g_strdup_printf("chgrp %s %s && chmod 0640 %s", name, word, word);
}

/* A group that the poller has for itself, or the one that the package makes. */
static char *pollers_group(const Files *files)
{
    for (guint i = 0; files->milter.groups != NULL && i < files->poller.groups->len; i++) {
        gid_t group = g_array_index(files->poller.groups, gid_t, i);
        if (!dm_identity_in(&files->milter, group))
            return dm_group_name(group);
    }
    return g_strdup("demail-poller");
}

/* What may be read at all: adds a finding with `make` as its command (taken) where the file is missing. TRUE if its
 * group and mode can be judged further. */
static gboolean check_secret(const Files *files, const char *path, const char *what, char *make, struct stat *st)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *remedy = make;
    g_autofree char *word = dm_shell_word(path);
    gboolean good = dm_secret_check(path, what, &error);

    if (stat(path, st) != 0) {
        if (error != NULL)
            add(files, DM_CHECK_ERROR, "key.missing", g_strdup(error->message), "the daemons do not start",
                g_steal_pointer(&remedy));
        return FALSE;
    }
    if (!good && geteuid() == 0)
        add(files, DM_CHECK_ERROR, "key.open", g_strdup(error->message),
            "whoever has it can speak for this gateway; the daemons refuse it",
            g_strdup_printf("chown root %s && chmod 0640 %s", word, word));
    return TRUE;
}

/* Members of a secret's group who are no user of it. */
static void check_members(const Files *files, gid_t gid, const char *const *allowed, const char *what)
{
    g_autofree char *group = dm_group_name(gid);
    g_auto(GStrv) others = gid != 0 ? dm_group_others(group, allowed) : NULL;

    for (char **other = others; other != NULL && *other != NULL; other++)
        add(files, DM_CHECK_WARNING, "group.members",
            g_strdup_printf("user %s is in group %s and can read %s", *other, group, what), "only the daemons need it",
            dm_shell_command("gpasswd", "-d", *other, group, NULL));
}

static void check_stamp_key(const Files *files)
{
    const DmConfig *config = files->config;
    const char *path = config->stamp_key_file;
    const char *const users[] = {config->milter.user, config->poller.user, NULL};
    g_autofree char *share = give_to_group(path, config->milter.group);
    g_autofree char *word = dm_shell_word(path);
    struct stat st;

    if (!check_secret(files, path, "stamp_key_file", g_strdup_printf("openssl rand -hex -out %s 32 && %s", word, share),
                      &st))
        return;
    const DmIdentity *daemons[] = {&files->milter, &files->poller};
    for (guint i = 0; i < G_N_ELEMENTS(daemons); i++) {
        if (daemons[i]->groups != NULL && !dm_identity_may(daemons[i], &st, DM_MAY_READ))
            add(files, DM_CHECK_ERROR, "key.unreadable",
                g_strdup_printf("%s: stamp_key_file can't be read by user %s", path, users[i]),
                "demail-milter writes the stamp, demail-poller checks it: neither works alone", g_strdup(share));
    }
    check_members(files, st.st_gid, users, path);
}

/* A secret for the provider is the poller's alone. */
static void check_provider_secret(const Files *files, const char *path, const char *what)
{
    const char *const users[] = {files->config->poller.user, NULL};
    g_autofree char *group = pollers_group(files);
    struct stat st;

    if (!check_secret(files, path, what, edit_config(files->config), &st))
        return;
    if (files->poller.groups == NULL || files->milter.groups == NULL)
        return;
    if (!dm_identity_may(&files->poller, &st, DM_MAY_READ))
        add(files, DM_CHECK_ERROR, "key.unreadable",
            g_strdup_printf("%s: %s can't be read by user %s", path, what, users[0]), "demail-poller does not start",
            give_to_group(path, group));
    else if (files->milter.uid != files->poller.uid && dm_identity_may(&files->milter, &st, DM_MAY_READ))
        add(files, DM_CHECK_ERROR, "key.milter-reads",
            g_strdup_printf("%s: %s can be read by user %s, too", path, what, files->config->milter.user),
            "demail-milter speaks to strangers and has no use for it; whoever breaks into it could send De-Mail",
            give_to_group(path, group));
    else if (files->milter.uid != files->poller.uid && (st.st_mode & S_IRGRP) != 0)
        check_members(files, st.st_gid, users, path);
}

/* Days until the certificate ends, or G_MAXINT where it can't be told. */
static void check_provider(const Files *files, const DmProviderConfig *provider)
{
    gint64 end = dm_expiry_of_certificate(provider->client_cert);
    gint64 left = end - g_get_real_time() / G_USEC_PER_SEC;
    g_autofree char *cert = dm_shell_word(provider->client_cert);

    check_provider_secret(files, provider->client_key, "client_key");
    check_provider_secret(files, provider->password_file, "password_file");
    if (end > 0 && left >= 0 && left < SOON_DAYS * DAY)
        add(files, DM_CHECK_WARNING, "provider.certificate-expires",
            g_strdup_printf("%s: client_cert ends in %" G_GINT64_FORMAT " days; have the provider issue a new one",
                            provider->client_cert, left / DAY),
            "from then on nothing can be sent or received",
            g_strdup_printf("openssl x509 -noout -subject -issuer -enddate -in %s", cert));
}

/* What demail-poller itself checks at its start. */
static void check_credentials(const Files *files)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);

    dm_credentials_check(files->config, problems, NULL);
    for (guint i = 0; i < problems->len; i++)
        add(files, DM_CHECK_ERROR, "provider.credentials", g_strdup(g_ptr_array_index(problems, i)),
            "demail-poller does not start", edit_config(files->config));
}

static void check_state_dir(const Files *files)
{
    const DmConfig *config = files->config;
    struct stat st;

    if (stat(config->state_dir, &st) != 0)
        add(files, DM_CHECK_ERROR, "folder.state-missing",
            g_strdup_printf("%s: state_dir is missing; make the folder and give it to user %s", config->state_dir,
                            config->poller.user),
            "demail-poller does not start",
            dm_shell_command("install", "-d", "-m", "0750", "-o", config->poller.user, "-g", config->poller.group,
                             config->state_dir, NULL));
    else if (files->poller.groups != NULL && st.st_uid != files->poller.uid)
        add(files, DM_CHECK_ERROR, "folder.state-owner",
            g_strdup_printf("%s: state_dir does not belong to user %s", config->state_dir, config->poller.user),
            "demail-poller can't keep its journal",
            dm_shell_command("chown", config->poller.user, config->state_dir, NULL));
}

void dm_check_files(const DmConfig *config, GPtrArray *findings)
{
    Files files = {.config = config, .findings = findings};

    check_user(&files, "milter", config->milter.user, config->milter.group, &files.milter);
    check_user(&files, "poller", config->poller.user, config->poller.group, &files.poller);
    if (files.milter.groups != NULL && files.poller.groups != NULL && files.milter.uid == files.poller.uid)
        add(&files, DM_CHECK_WARNING, "user.shared",
            g_strdup_printf("%s: demail-milter and demail-poller are both user %s", config->file, config->milter.user),
            "whoever breaks into the milter has the provider's keys and passwords", edit_config(config));
    check_stamp_key(&files);
    check_state_dir(&files);
    for (guint i = 0; i < config->providers->len; i++)
        check_provider(&files, g_ptr_array_index(config->providers, i));
    if (geteuid() == 0)
        check_credentials(&files);
    dm_identity_clear(&files.milter);
    dm_identity_clear(&files.poller);
}
