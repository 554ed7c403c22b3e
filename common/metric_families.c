#include "common/metric_families.h"

#include <stddef.h>

#define FAMILY(variable, name, kind, unit, help, ...)                                                                  \
    const DmMetricFamily dm_metric_##variable = {"demail_" name, DM_METRIC_##kind, unit, help, {__VA_ARGS__}}

FAMILY(
    milter_decisions, "milter_decisions", COUNTER, NULL,
    "Messages by what the milter decided: ordinary, rerouted, diverted, again, refused, tempfailed, failed; the rule "
    "and the status code of a refusal.",
    "result", "rule", "code");

FAMILY(sent, "sent", COUNTER, NULL,
       "Recipients of De-Mail by what the provider said of a submission: accepted, refused, deferred, unknown.",
       "tenant", "result");
FAMILY(received, "received", COUNTER, NULL,
       "De-Mails, confirmations and notifications handed to the MTA, by type and verification: pass, fail, none.",
       "tenant", "type", "verified");
FAMILY(confirmations, "confirmations", COUNTER, NULL,
       "Verified confirmations and notifications by what they say: dispatched, received, retrieved, undeliverable, "
       "notified; unmatched: of no De-Mail that the journal knows.",
       "tenant", "type");
FAMILY(undeliverable, "undeliverable", COUNTER, NULL,
       "Recipients of received De-Mail whom the MTA refused, and whose De-Mail went to the catch-all.", "tenant");
FAMILY(submission_duration, "submission_duration_seconds", HISTOGRAM, "seconds",
       "Time from the end of a De-Mail's header to the provider's answer.", "tenant");
FAMILY(poll_duration, "poll_duration_seconds", HISTOGRAM, "seconds",
       "Time of a round over a mailbox, with all that was received in it.", "tenant");

FAMILY(provider_up, "provider_up", GAUGE, NULL, "1: the last attempt to use the provider went well; 0: it did not.",
       "provider", "tenant");
FAMILY(last_poll, "last_poll_timestamp_seconds", GAUGE, "seconds", "When the mailbox was last polled with success.",
       "tenant");
FAMILY(
    unacknowledged_age, "unacknowledged_age_seconds", GAUGE, "seconds",
    "Age of the oldest message that was found in the mailbox and that the provider was not told to be taken over; 0: "
    "there is none.",
    "tenant");
FAMILY(open_age, "open_submission_age_seconds", GAUGE, "seconds",
       "Age of the oldest recipient of whom nobody knows yet whether the De-Mail was sent; 0: there is none.", NULL);
FAMILY(open_recipients, "open_recipients", GAUGE, NULL,
       "Recipients of whom nobody knows yet whether the De-Mail was sent: submitting, unknown (held).", "state");
FAMILY(quota_used, "quota_used_bytes", GAUGE, "bytes", "What the mailbox at the provider holds.", "tenant");
FAMILY(quota, "quota_bytes", GAUGE, "bytes", "What the mailbox at the provider may hold.", "tenant");
FAMILY(password_remaining, "password_remaining_seconds", GAUGE, "seconds",
       "Time until the account's password ends; negative: it has ended.", "tenant");
FAMILY(certificate_remaining, "certificate_remaining_seconds", GAUGE, "seconds",
       "Time until the client certificate ends; negative: it has ended.", "provider");
FAMILY(send_remaining, "send_remaining_seconds", GAUGE, "seconds",
       "Time until send_until; negative: new De-Mail is refused.", "provider");
FAMILY(receive_remaining, "receive_remaining_seconds", GAUGE, "seconds",
       "Time until receive_until; negative: the mailboxes are not polled any more.", "provider");
FAMILY(table_age, "table_age_seconds", GAUGE, "seconds",
       "Time since the table was compiled, or its source changed where the source itself is read.", "table");
FAMILY(table_stale, "table_stale", GAUGE, NULL, "1: the table is missing or older than its source; 0: it is good.",
       "table");
FAMILY(trust_list_age, "trust_list_age_seconds", GAUGE, "seconds", "Time since the list of providers was stored.",
       NULL);
FAMILY(crl_remaining, "crl_remaining_seconds", GAUGE, "seconds",
       "Time until the next update of a list of revoked certificates is due; negative: it is overdue.", "file");
FAMILY(warning, "warning", GAUGE, NULL, "1 for each warning that demailctl status shows.", "kind", "subject");

FAMILY(up, "up", GAUGE, NULL, "1: the program runs; 0: it does not, or writes no metrics.", "program");
