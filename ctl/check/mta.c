#include "ctl/check/mta.h"

#include "ctl/check/finding.h"
#include "ctl/check/postfix_read.h"
#include "ctl/check/postfix_rules.h"
#include "ctl/check/sendmail.h"

#include <string.h>

#define SENDMAIL_CF "/etc/mail/sendmail.cf"
#define ROOM        (1024 * 1024) /* bytes beside a message: what MTA and gateway add to it */

/* Whether there is a Postfix that has been set up. */
static gboolean has_postfix(const DmMta *mta)
{
    g_autofree char *postconf = g_find_program_in_path("postconf");

    return mta->postfix_config != NULL || (postconf != NULL && g_file_test("/etc/postfix/main.cf", G_FILE_TEST_EXISTS));
}

static void check_postfix(DmMta *mta, const DmConfig *config, char **domains, GPtrArray *findings)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmPostfix) postfix = dm_postfix_read(mta->postfix_config, config, domains, &error);

    mta->postfix = TRUE;
    if (postfix == NULL) {
        dm_check_findings_add(findings, (DmCheckFinding){.code = "postfix.unreadable",
                                                         .severity = DM_CHECK_ERROR,
                                                         .problem = g_strdup(error->message),
                                                         .why = "nothing is known of the mail server",
                                                         .command = g_strdup("postfix check")});
        return;
    }
    mta->mail_user = g_strdup(dm_postfix_get(postfix, NULL, "mail_owner"));
    mta->size_limit = g_ascii_strtoll(dm_postfix_get(postfix, NULL, "message_size_limit"), NULL, 10);
    DmRules rules = {.postfix = postfix, .config = config, .domains = domains, .findings = findings};
    dm_rules_postfix(&rules);
}

void dm_check_mta(DmMta *mta, const DmConfig *config, char **domains, GPtrArray *findings)
{
    const char *file = mta->sendmail_cf != NULL ? mta->sendmail_cf : SENDMAIL_CF;

    if (mta->sendmail_cf == NULL && has_postfix(mta)) {
        check_postfix(mta, config, domains, findings);
    } else if (mta->sendmail_cf != NULL || g_file_test(file, G_FILE_TEST_EXISTS)) {
        mta->mail_user = g_strdup("root");
        dm_check_sendmail(file, config, domains, &mta->size_limit, findings);
    } else {
        dm_check_findings_add(
            findings, (DmCheckFinding){.code = "mta.missing",
                                       .severity = DM_CHECK_ERROR,
                                       .problem = g_strdup("there is neither /etc/postfix/main.cf nor " SENDMAIL_CF
                                                           "; name another place by --postfix-config or --sendmail-cf, "
                                                           "or leave the mail server out by --no-mta"),
                                       .why = "without a mail server nothing is sent or received",
                                       .command = g_strdup("apt-get install postfix postfix-lmdb")});
    }
}

void dm_check_size(const DmMta *mta, gint64 size, GPtrArray *findings)
{

    if (mta->mail_user == NULL || mta->size_limit == 0 || mta->size_limit >= size)
        return;
    g_autofree char *setting = g_strdup_printf("message_size_limit = %" G_GINT64_FORMAT, size + ROOM);
    const char *file = mta->sendmail_cf != NULL ? mta->sendmail_cf : SENDMAIL_CF;
    char *command = !mta->postfix ? dm_sendmail_set_size(file, size + ROOM)
                    : mta->postfix_config != NULL
                        ? dm_shell_command("postconf", "-c", mta->postfix_config, "-e", setting, NULL)
                        : dm_shell_command("postconf", "-e", setting, NULL);
    dm_check_findings_add(
        findings, (DmCheckFinding){.code = mta->postfix ? "postfix.message-size" : "sendmail.message-size",
                                   .severity = DM_CHECK_WARNING,
                                   .problem = g_strdup_printf("the mail server takes messages of %" G_GINT64_FORMAT
                                                              " bytes, the provider of %" G_GINT64_FORMAT,
                                                              mta->size_limit, size),
                                   .why = "a received De-Mail that is larger stays at the provider",
                                   .command = command,
                                   .script = mta->postfix});
}

void dm_mta_clear(DmMta *mta)
{
    g_free(mta->postfix_config);
    g_free(mta->sendmail_cf);
    g_free(mta->mail_user);
    *mta = (DmMta){0};
}
