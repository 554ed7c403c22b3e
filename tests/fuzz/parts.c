/* Whole messages as GMime reads them: the parts of a statement, and the sandbox's search for malware. */
#include "standard/statement_parts.h"

#include "sandbox/malware.h"
#include "tests/fuzz/fuzz.h"

#include <gmime/gmime.h>
#include <unistd.h>

void fuzz_start(void)
{
    g_mime_init();
}

static void scan(const uint8_t *data, size_t size)
{
    int fd = fuzz_file(data, size);
    g_autofree char *path = fuzz_path(fd);
    gboolean found = FALSE;

    FUZZ_CHECK(dm_malware_scan(path, &found, NULL));
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    g_autoptr(DmHeaders) headers = dm_headers_parse(bytes, fuzz_header_length(bytes, size), NULL);
    DmStatementParts parts;

    scan(data, size);
    if (headers == NULL)
        return 0;
    if (dm_statement_parts_read(headers, bytes, size, &parts)) {
        FUZZ_CHECK((parts.xml != NULL) == (parts.xml_count > 0));
        FUZZ_CHECK(parts.xml == NULL || g_bytes_get_size(parts.xml) <= size);
    }
    dm_statement_parts_clear(&parts);
    return 0;
}
