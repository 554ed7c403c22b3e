/*
 * How fast a De-Mail is verified, as a share of what OpenSSL's SHA-256 alone reaches over the same bytes: interleaved
 * rounds, the median of each.
 *
 * usage: bench_verify [MIB [ROUNDS]]   default 20 MiB, 15 rounds
 * Exit: 0 at half of the speed or more, 1 below, 70 if something did not work.
 */
#include "common/demail.h"
#include "standard/integrity.h"
#include "standard/verify.h"
#include "standard/xml.h"

#include <gmime/gmime.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#define SHARE_MIN  0.5
#define LINE       "U28gaXN0IGRpZXNlIFplaWxlIGVpbmVzIEFuaGFuZ2VzLCB3aWUgc2llIHp1IFRhdXNlbmRlbiBk"
#define ROUNDS_MAX 1000

static const struct {
    const char *name;
    const char *value;
} fields[] = {
    {DM_FIELD_VERSION, " 1.8"},
    {DM_FIELD_MESSAGE_TYPE, " normal"},
    {DM_FIELD_MESSAGE_ID, " 1@anbieter.example"},
    {DM_FIELD_PROVIDER, " mail.anbieter.example"},
    {DM_FIELD_AUTH_LEVEL, " high"},
    {DM_FIELD_AUTH_MECHANISM, " Token"},
    {DM_FIELD_SENDER, " max@anbieter.example"},
    {DM_FIELD_ACCOUNT_HOLDER, " Max Mustermann"},
    {DM_FIELD_CHOSEN_RECIPIENT, " to=erika@anbieter.example"},
    {DM_FIELD_ACTUAL_RECIPIENT, " to=erika@anbieter.example"},
    {DM_FIELD_DISPATCH, " no"},
    {DM_FIELD_RECEIPT, " no"},
    {DM_FIELD_RETRIEVE, " no"},
    {DM_FIELD_AUTHORITATIVE, " no"},
    {DM_FIELD_PRIVATE, " no"},
    {"From", " max@anbieter.example"},
    {"To", " erika@anbieter.example"},
    {"Date", " Mon, 02 Feb 2026 10:16:30 +0100"},
    {"Message-ID", " <1@anbieter.example>"},
    {"Subject", " Anhang"},
    {"MIME-Version", " 1.0"},
    {"Content-Type", " application/octet-stream"},
    {"Content-Transfer-Encoding", " base64"},
};

static GString *make_body(gsize size)
{
    GString *body = g_string_sized_new(size + sizeof LINE + 2);

    while (body->len < size)
        g_string_append(body, LINE "\r\n");
    return body;
}

/* A message in the hash form around `body`. */
static GString *make_message(const GString *body, GError **error)
{
    const DmIntegrityMaker maker = {.domain = "anbieter.example", .selector = "bench"};
    g_autoptr(DmHeaders) headers = dm_headers_new();
    DmBodyHash *hash = dm_body_hash_new(DM_DIGEST_SHA256);

    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        if (!dm_headers_append(headers, fields[i].name, fields[i].value, error)) {
            dm_body_hash_free(hash);
            return NULL;
        }
    }
    dm_body_hash_update(hash, body->str, body->len);

    g_autofree char *body_hash = dm_body_hash_finish(hash);
    g_autofree char *integrity = body_hash ? dm_integrity_make(&maker, headers, body_hash, error) : NULL;

    if (!integrity)
        return NULL;
    dm_headers_prepend(headers, DM_FIELD_INTEGRITY, integrity);

    GString *message = g_string_sized_new(body->len + 4096);

    dm_headers_write(headers, message);
    g_string_append(message, "\r\n");
    g_string_append_len(message, body->str, (gssize)body->len);
    return message;
}

static int make_file(const GString *message)
{
    int fd = memfd_create("message", MFD_CLOEXEC);

    if (fd >= 0 && write(fd, message->str, message->len) != (gssize)message->len) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Microseconds; negative if it did not work. */
static gint64 time_hash(const GString *message)
{
    gint64 start = g_get_monotonic_time();
    unsigned char digest[EVP_MAX_MD_SIZE];

    return EVP_Digest(message->str, message->len, digest, NULL, EVP_sha256(), NULL) == 1
               ? g_get_monotonic_time() - start
               : -1;
}

static gint64 time_verify(const DmTrust *trust, int fd)
{
    gint64 start = g_get_monotonic_time();
    g_autoptr(DmFindings) findings = dm_verify(trust, fd, g_get_real_time() / G_USEC_PER_SEC, NULL, NULL);

    return findings && dm_findings_valid(findings) ? g_get_monotonic_time() - start : -1;
}

static int compare_times(const void *a, const void *b)
{
    gint64 x = *(const gint64 *)a;
    gint64 y = *(const gint64 *)b;

    return (x > y) - (x < y);
}

static gint64 median(gint64 *times, guint n)
{
    qsort(times, n, sizeof *times, compare_times);
    return times[n / 2];
}

/* The share, or a negative number. */
static double measure(const DmTrust *trust, const GString *message, int fd, guint rounds)
{
    g_autofree gint64 *hashing = g_new(gint64, rounds);
    g_autofree gint64 *verifying = g_new(gint64, rounds);

    for (guint i = 0; i < rounds; i++) {
        hashing[i] = time_hash(message);
        verifying[i] = time_verify(trust, fd);
        if (hashing[i] < 0 || verifying[i] < 0)
            return -1;
    }

    double mib = (double)message->len / 1048576;
    double hash_speed = mib * G_USEC_PER_SEC / (double)median(hashing, rounds);
    double verify_speed = mib * G_USEC_PER_SEC / (double)median(verifying, rounds);

    printf("%.1f MiB, %u rounds: SHA-256 %.0f MiB/s, verification %.0f MiB/s, share %.2f\n", mib, rounds, hash_speed,
           verify_speed, verify_speed / hash_speed);
    return verify_speed / hash_speed;
}

int main(int argc, char **argv)
{
    gsize mib = argc > 1 ? (gsize)g_ascii_strtoull(argv[1], NULL, 10) : 20;
    guint rounds = argc > 2 ? (guint)g_ascii_strtoull(argv[2], NULL, 10) : 15;
    g_autoptr(GError) error = NULL;
    g_autoptr(DmTrust) trust = NULL;

    if (mib < 1 || mib > 1024 || rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: bench_verify [MIB [ROUNDS]]\n");
        return EX_USAGE;
    }
    g_mime_init();
    trust = dm_xml_start(&error) ? dm_trust_new(NULL, NULL, &error) : NULL;

    GString *body = make_body(mib * 1048576);
    GString *message = trust ? make_message(body, &error) : NULL;
    int fd = message ? make_file(message) : -1;
    double share = fd >= 0 ? measure(trust, message, fd, rounds) : -1;

    if (share < 0)
        fprintf(stderr, "bench_verify: %s\n", error ? error->message : "the message was not found valid");
    if (fd >= 0)
        close(fd);
    if (message)
        g_string_free(message, TRUE);
    g_string_free(body, TRUE);
    return share < 0 ? EX_SOFTWARE : share < SHARE_MIN;
}
