/* A De-Mail as the provider gave it becomes an e-mail, and a report about it, with our marks and no others. */
#include "poller/incoming_header.h"

#include "common/demail.h"
#include "poller/receive_file.h"
#include "poller/report.h"
#include "standard/verify.h"
#include "standard/xml.h"
#include "tests/fuzz/fuzz.h"

#include <gmime/gmime.h>
#include <string.h>
#include <unistd.h>

#define AT 1772452800 /* 2026-03-02T12:00:00Z */

static char *domains[] = {(char *)"gemeinde.example", NULL};
static const DmTenantConfig tenant = {
    .name = (char *)"gemeinde", .email_domains = domains, .bounce_address = (char *)"postmaster@gemeinde.example"};
static DmTrust *trust;

void fuzz_start(void)
{
    char *anchors[] = {(char *)GIVEN_DIR "/pki/root.pem", NULL};

    g_mime_init();
    FUZZ_CHECK(dm_xml_start(NULL));
    trust = dm_trust_new(anchors, NULL, NULL);
    FUZZ_CHECK(trust != NULL);
}

/* Written and read again, it has as many fields as before, and one mark of ours. */
static void check_header(const DmHeaders *headers)
{
    g_autoptr(GString) block = g_string_new(NULL);

    dm_headers_write(headers, block);
    g_autoptr(DmHeaders) again = dm_headers_parse(block->str, block->len, NULL);
    FUZZ_CHECK(again != NULL);
    FUZZ_CHECK(dm_headers_length(again) == dm_headers_length(headers));
    FUZZ_CHECK(dm_headers_count(again, DM_FIELD_STATUS) == 1);
    FUZZ_CHECK(dm_headers_count(again, "Authentication-Results") == 1);
}

static void mark(DmHeaders *headers, const DmHeaders *demail, const DmJudgement *judgement, gboolean again)
{
    const DmIncomingMark marks = {demail, judgement, "gemeinde.example", "[De-Mail]", again ? "<1@x>" : NULL, again};

    dm_incoming_mark(headers, &marks);
    check_header(headers);
}

static void report(int fd, const DmHeaders *headers, const DmJudgement *judgement)
{
    const DmSentMessage sent = {.time = AT, .email = (char *)"max@gemeinde.example"};
    g_autoptr(GPtrArray) recipients = g_ptr_array_new();
    g_autoptr(DmStatement) empty = dm_statement_new();
    const DmStatement *statement = judgement->findings->statement;
    const DmReport about = {DM_LANGUAGE_DE, &tenant, &sent, recipients, statement != NULL ? statement : empty,
                            headers,        fd,      "n-1"};
    int out = fuzz_file("", 0);

    g_ptr_array_add(recipients, (gpointer) "erika@muster.de-mail.de");
    g_autoptr(DmHeaders) head = dm_report_make(&about, out, NULL);
    FUZZ_CHECK(head != NULL);
    mark(head, headers, judgement, FALSE);
    close(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = fuzz_file(data, size);
    off_t body = 0;
    g_autoptr(DmHeaders) headers = dm_receive_file_header(fd, &body, NULL);
    g_autoptr(DmFindings) findings = headers != NULL ? dm_verify(trust, fd, AT, NULL, NULL) : NULL;

    FUZZ_CHECK(body >= 0 && (gsize)body <= size);
    if (headers != NULL) {
        const DmVerified verified = dm_findings_valid(findings) ? DM_VERIFIED_PASS : DM_VERIFIED_FAIL;
        const DmJudgement judgement = {verified, TRUE, findings};
        report(fd, headers, &judgement);
        mark(headers, headers, &judgement, size % 2 == 0);
    }
    close(fd);
    return 0;
}
