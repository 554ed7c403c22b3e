/* A whole message under verification, with anchors. */
#include "standard/verify.h"

#include "standard/xml.h"
#include "tests/fuzz/fuzz.h"

#include <gmime/gmime.h>
#include <string.h>
#include <unistd.h>

#define AT 1772452800 /* 2026-03-02T12:00:00Z */

static DmTrust *trust;

void fuzz_start(void)
{
    char *anchors[] = {(char *)GIVEN_DIR "/pki/root.pem", NULL};
    char *lists[] = {(char *)GIVEN_DIR "/pki/root.crl.pem", NULL};

    g_mime_init();
    FUZZ_CHECK(dm_xml_start(NULL));
    trust = dm_trust_new(anchors, lists, NULL);
    FUZZ_CHECK(trust != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = fuzz_file(data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(DmFindings) findings = dm_verify(trust, fd, AT, NULL, &error);

    close(fd);
    FUZZ_CHECK(findings != NULL);
    for (guint i = 0; i < findings->reasons->len; i++)
        FUZZ_CHECK(strchr(g_ptr_array_index(findings->reasons, i), '.') != NULL);
    FUZZ_CHECK(findings->signer == NULL || g_utf8_validate(findings->signer, -1, NULL));
    if (findings->statement != NULL) {
        FUZZ_CHECK(g_utf8_validate(findings->statement->text, -1, NULL));
        FUZZ_CHECK(g_utf8_validate(findings->statement->private_id, -1, NULL));
    }
    return 0;
}
