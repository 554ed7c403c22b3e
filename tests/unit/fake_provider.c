#include "tests/unit/fake_provider.h"

#include "provider/drivers.h"

#include <string.h>
#include <unistd.h>

FakeProvider *fake_provider(void)
{
    static FakeProvider fake;

    return &fake;
}

struct DmProvider {
    FakeProvider *fake;
};

static gboolean answer(int failure, const char *what, GError **error)
{
    if (failure != 0)
        g_set_error(error, DM_ERROR, failure - FAKE_ERROR(0),
                    "provider alpha: %s failed for poststelle@gemeinde.de-mail.de", what);
    return failure == 0;
}

static DmProvider *fake_open(const DmProviderConfig *config, const char *account, GError **error)
{
    DmProvider *provider = g_new0(DmProvider, 1);

    (void)config;
    (void)account;
    (void)error;
    provider->fake = fake_provider();
    provider->fake->open++;
    return provider;
}

static void fake_close(DmProvider *provider)
{
    provider->fake->open--;
    g_free(provider);
}

static gboolean fake_login(DmProvider *provider, GError **error)
{
    provider->fake->logins++;
    return answer(provider->fake->login_error, "login", error);
}

static gboolean fake_submit(DmProvider *provider, const DmSubmission *submission, DmOutcome **outcome, gboolean *unsure,
                            GError **error)
{
    provider->fake->submissions++;
    *outcome = NULL;
    *unsure = FALSE;
    return provider->fake->submit(submission, outcome, unsure, error);
}

gboolean fake_never_seen(const char *key, DmFate *fate, DmOutcome **outcome, GError **error)
{
    (void)key;
    (void)outcome;
    (void)error;
    *fate = DM_FATE_NEVER_SEEN;
    return TRUE;
}

gboolean fake_forgot(const char *key, DmFate *fate, DmOutcome **outcome, GError **error)
{
    (void)key;
    (void)outcome;
    (void)error;
    *fate = DM_FATE_UNTOLD;
    return TRUE;
}

static gboolean fake_status(DmProvider *provider, const char *key, DmFate *fate, DmOutcome **outcome, GError **error)
{
    provider->fake->questions++;
    *outcome = NULL;
    *fate = DM_FATE_TOLD;
    return provider->fake->status(key, fate, outcome, error);
}

static void entry_free(gpointer entry)
{
    dm_entry_free(entry);
}

static gboolean fake_list(DmProvider *provider, guint limit, GPtrArray **entries, GError **error)
{
    const FakeProvider *fake = provider->fake;

    (void)error;
    *entries = g_ptr_array_new_with_free_func(entry_free);
    for (const char *const *id = fake->ids + (fake->shrinks ? fake->acks : 0); *id && (*entries)->len < limit; id++) {
        DmEntry *entry = g_new0(DmEntry, 1);

        entry->id = g_strdup(*id);
        entry->type = g_strdup("normal");
        entry->private_id = g_strdup("");
        entry->recipients = g_new0(char *, 2);
        entry->recipients[0] = g_strdup_printf("%s@gemeinde.de-mail.de", *id);
        g_ptr_array_add(*entries, entry);
    }
    g_atomic_int_inc(&provider->fake->lists);
    return TRUE;
}

static gboolean fake_fetch(DmProvider *provider, const char *id, int fd, GError **error)
{
    gsize length = strlen(provider->fake->message);

    (void)id;
    provider->fake->fetches++;
    return answer(write(fd, provider->fake->message, length) == (gssize)length ? 0 : FAKE_ERROR(DM_ERROR_TEMPORARY),
                  "fetch", error);
}

static gboolean fake_ack(DmProvider *provider, const char *id, GError **error)
{
    (void)id;
    if (!answer(provider->fake->ack_error, "ack", error))
        return FALSE;
    provider->fake->acks++;
    return TRUE;
}

static gboolean fake_account(DmProvider *provider, DmAccount *account, GError **error)
{
    *account = (DmAccount){0};
    return answer(provider->fake->account_error, "account", error);
}

const DmProviderDriver *dm_provider_driver(const char *name)
{
    static const DmProviderDriver driver = {.name = "fake",
                                            .open = fake_open,
                                            .close = fake_close,
                                            .login = fake_login,
                                            .submit = fake_submit,
                                            .status = fake_status,
                                            .list = fake_list,
                                            .fetch = fake_fetch,
                                            .ack = fake_ack,
                                            .account = fake_account};

    (void)name;
    return &driver;
}
