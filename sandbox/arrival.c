#include "sandbox/arrival.h"

#include "common/address.h"
#include "common/demail.h"
#include "common/log.h"
#include "sandbox/confirmation.h"
#include "sandbox/forwarding.h"
#include "sandbox/notification.h"

#define HOPS_MAX 20

typedef struct {
    DmPost *post;
    const DmSandbox *sandbox;
    const char *recipient; /* whom the sender addressed: confirmations are about him */
    GPtrArray *trail;      /* char *: the addresses where the letter has been */
} Arrival;

static gboolean arrive(Arrival *arrival, const DmLetter *letter, const char *address, GError **error);

static const char *provider_of(const Arrival *arrival, const char *address)
{
    return dm_accounts_provider(arrival->sandbox->accounts, address);
}

static gboolean is_from_system(const Arrival *arrival, const DmLetter *letter)
{
    return dm_accounts_is_system(arrival->sandbox->accounts, letter->sender);
}

gboolean dm_arrival_of_system_letter(DmPost *post, DmLetter *letter, const char *to, const char *cc, GError **error)
{
    if (!letter)
        return FALSE;
    gboolean alone = !cc || dm_address_equal(to, cc);
    gboolean done = dm_arrival(post, letter, to, error) && (alone || dm_arrival(post, letter, cc, error));
    dm_letter_free(letter);
    return done;
}

/* The recipient as the one knows him who is told of the letter at `address`: who sent it, or who forwarded it. */
static const char *known_as(const Arrival *arrival, const DmLetter *letter, const char *address)
{
    return dm_letter_is_forwarded(letter) ? address : arrival->recipient;
}

/* Step 45: to the one who forwarded it, else to the sender. */
static gboolean notify(Arrival *arrival, const DmLetter *letter, const char *address, const char *type,
                       const char *reason, GError **error)
{
    if (is_from_system(arrival, letter)) {
        dm_log(DM_LOG_INFO, "system-letter-dropped", DM_S("type", letter->type), DM_S("recipient", address));
        return TRUE;
    }
    g_autofree char *forwarder = dm_letter_first_address(letter->headers, DM_FIELD_RESENT_FROM);
    g_autofree char *sentence =
        g_strdup_printf("Die Nachricht an %s wurde nicht zugestellt: %s.", known_as(arrival, letter, address), reason);
    const char *to = forwarder ? forwarder : letter->answer_to;
    const DmNotification notification = {
        .provider = provider_of(arrival, address),
        .type = type,
        .original = letter,
        .to = to,
        .subject = "Nachricht nicht zugestellt",
        .sentence = sentence,
    };
    return dm_arrival_of_system_letter(arrival->post, dm_notification_make(&notification, arrival->post, error), to,
                                       NULL, error);
}

typedef struct {
    const char *type; /* X-de-mail-notification-type; NULL: it can be delivered */
    const char *reason;
} Obstacle;

/* Step 42. `owner` may be NULL. */
static Obstacle judge_recipient(const DmAccount *owner, const DmLetter *letter)
{
    const guint need_high = DM_OPTION_PRIVATE | DM_OPTION_RETRIEVE;
    if (!owner)
        return (Obstacle){"unknown-recipient", "der Empfänger ist nicht bekannt"};
    if (owner->redirect_to)
        return (Obstacle){0};
    if ((letter->options & need_high) && !owner->high)
        return (Obstacle){"other", "der Empfänger kann sich nicht mit dem Authentisierungsniveau hoch anmelden"};
    switch (owner->state) {
    case DM_ACCOUNT_OPEN:
        break;
    case DM_ACCOUNT_CLOSED:
        return (Obstacle){"closed-account", "das De-Mail-Konto ist geschlossen"};
    case DM_ACCOUNT_BLOCKED:
        return (Obstacle){"other", "das De-Mail-Konto ist gesperrt"};
    }
    return (Obstacle){0};
}

/* The same, but first what a test has ordered for the address. */
static Obstacle find_obstacle(const Arrival *arrival, const DmAccount *owner, const DmLetter *letter,
                              const char *address)
{
    g_autoptr(DmFault) ordered = is_from_system(arrival, letter)
                                     ? NULL
                                     : dm_faults_take_for(arrival->sandbox->faults, DM_FAULT_UNDELIVERABLE, address);
    if (ordered)
        return (Obstacle){dm_notification_type(ordered->code), "von einem Test angeordnet"};
    return judge_recipient(owner, letter);
}

/* Step 56; the recipient and the sender are told. */
static gboolean tell_of_malware(Arrival *arrival, const DmLetter *letter, const char *address, GError **error)
{
    const char *recipient = known_as(arrival, letter, address);
    const guint confirmed = DM_OPTION_DISPATCH | DM_OPTION_RECEIPT | DM_OPTION_RETRIEVE;
    DmLetter *answer;
    if (letter->options & confirmed) {
        const DmConfirmation confirmation = {DM_CONFIRM_MALWARE, provider_of(arrival, address), letter, recipient, 0};
        answer = dm_confirmation_make(&confirmation, arrival->post, error);
    } else {
        g_autofree char *sentence = g_strdup_printf(
            "In der Nachricht an %s wurde Schadsoftware gefunden; sie wurde nicht zugestellt.", recipient);
        const DmNotification notification = {
            .provider = provider_of(arrival, address),
            .type = "other",
            .malware = TRUE,
            .original = letter,
            .to = letter->answer_to,
            .cc = recipient,
            .subject = "Schadsoftware gefunden",
            .sentence = sentence,
        };
        answer = dm_notification_make(&notification, arrival->post, error);
    }
    return dm_arrival_of_system_letter(arrival->post, answer, letter->answer_to, recipient, error);
}

/* Steps 67 to 70. */
static gboolean confirm_receipt(Arrival *arrival, const DmLetter *letter, const char *address, GError **error)
{
    if (!(letter->options & DM_OPTION_RECEIPT) || dm_letter_is_forwarded(letter))
        return TRUE;
    const DmConfirmation confirmation = {DM_CONFIRM_RECEIPT, provider_of(arrival, address), letter, arrival->recipient,
                                         0};
    return dm_arrival_of_system_letter(arrival->post, dm_confirmation_make(&confirmation, arrival->post, error),
                                       letter->answer_to, arrival->recipient, error);
}

/* Whether the letter has been at `target`, or has come too far. */
static gboolean is_loop(const Arrival *arrival, const char *target)
{
    for (guint i = 0; i < arrival->trail->len; i++) {
        if (dm_address_equal(g_ptr_array_index(arrival->trail, i), target))
            return TRUE;
    }
    return arrival->trail->len >= HOPS_MAX;
}

/* Instead of a De-Mail that only its recipient may read (PVD FU 3.1.3.2). */
static gboolean announce(Arrival *arrival, const DmLetter *letter, const char *address, const char *target,
                         GError **error)
{
    g_autofree char *sentence =
        g_strdup_printf("Für %s liegt eine Nachricht vor, die nicht weitergeleitet wird.", address);
    const DmNotification notification = {
        .provider = provider_of(arrival, address),
        .type = "other",
        .original = letter,
        .to = target,
        .subject = "Nachricht eingegangen",
        .sentence = sentence,
    };
    return dm_arrival_of_system_letter(arrival->post, dm_notification_make(&notification, arrival->post, error), target,
                                       NULL, error);
}

/* Steps 71 to 74. */
static gboolean forward(Arrival *arrival, const DmLetter *letter, const char *address, const DmAccount *owner,
                        GError **error)
{
    if (!owner->forward_to || is_from_system(arrival, letter))
        return TRUE;
    if (is_loop(arrival, owner->forward_to)) {
        dm_log(DM_LOG_INFO, "forwarding-loop", DM_S("recipient", address), DM_S("target", owner->forward_to));
        return TRUE;
    }
    if ((letter->options & DM_OPTION_RETRIEVE) || ((letter->options & DM_OPTION_PRIVATE) && !owner->forward_private))
        return announce(arrival, letter, address, owner->forward_to, error);
    g_autoptr(DmLetter) forwarded = dm_forward(letter, address, owner->forward_to, owner->provider, error);
    return forwarded && arrive(arrival, forwarded, owner->forward_to, error);
}

/* Steps 49 to 53. */
static gboolean redirect(Arrival *arrival, const DmLetter *letter, const char *address, const char *target,
                         GError **error)
{
    if (is_loop(arrival, target))
        return notify(arrival, letter, address, "other", "der Nachsendeauftrag führt im Kreis", error);
    g_autoptr(DmLetter) redirected = dm_redirect(letter, target, error);
    return redirected && arrive(arrival, redirected, target, error);
}

static gboolean arrive(Arrival *arrival, const DmLetter *letter, const char *address, GError **error)
{
    const DmAccount *owner = dm_accounts_owner(arrival->sandbox->accounts, address);
    g_ptr_array_add(arrival->trail, g_strdup(address));
    const Obstacle obstacle = find_obstacle(arrival, owner, letter, address);
    if (obstacle.type)
        return notify(arrival, letter, address, obstacle.type, obstacle.reason, error);
    if (owner->redirect_to)
        return redirect(arrival, letter, address, owner->redirect_to, error);
    g_autoptr(DmFault) malware = is_from_system(arrival, letter)
                                     ? NULL
                                     : dm_faults_take_for(arrival->sandbox->faults, DM_FAULT_MALWARE, address);
    if (malware)
        return tell_of_malware(arrival, letter, address, error);
    return dm_post_deliver(arrival->post, letter, address, arrival->recipient, error) &&
           confirm_receipt(arrival, letter, address, error) && forward(arrival, letter, address, owner, error);
}

gboolean dm_arrival(DmPost *post, const DmLetter *letter, const char *address, GError **error)
{
    g_autoptr(GPtrArray) trail = g_ptr_array_new_with_free_func(g_free);
    Arrival arrival = {post, dm_post_sandbox(post), address, trail};
    return arrive(&arrival, letter, address, error);
}
