#include "sandbox/draft.h"

#include "sandbox/field_form.h"
#include "standard/body_hash.h"
#include "standard/line_check.h"

#include <string.h>

/* Finds the end of the header in the `length` bytes at `text`: *header bytes belong to it, the body begins at *body. */
static void split(const char *text, gsize length, gsize *header, gsize *body)
{
    const char *end = text + length;
    for (const char *line = text; line < end;) {
        gsize left = (gsize)(end - line);
        gsize blank = *line == '\n' ? 1 : left >= 2 && line[0] == '\r' && line[1] == '\n' ? 2 : 0;
        if (blank > 0) {
            *header = (gsize)(line - text);
            *body = *header + blank;
            return;
        }
        const char *newline = memchr(line, '\n', left);
        line = newline ? newline + 1 : end;
    }
    *header = length;
    *body = length;
}

/* Lines end with CRLF (PVD IO 3.1.21, condition 4): the body is never changed, so it must come like that. */
static gboolean check_lines(const char *body, gsize length, GError **error)
{
    DmLineCheck check = {0};
    dm_line_check_update(&check, body, length);
    if (!check.bare_cr && !check.bare_lf && !check.nul)
        return TRUE;
    g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT, "the body holds %s",
                check.nul ? "a NUL" : "a line that does not end with CRLF");
    return FALSE;
}

DmDraft *dm_draft_read(const char *data_dir, const char *file, DmSealAlgorithm algorithm, GError **error)
{
    g_autofree char *path = g_build_filename(data_dir, file, NULL);
    g_autoptr(GError) cause = NULL;
    g_autoptr(GMappedFile) map = g_mapped_file_new(path, FALSE, &cause);
    if (!map) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "%s; check the state directory", cause->message);
        return NULL;
    }
    gsize length = g_mapped_file_get_length(map);
    const char *text = length > 0 ? g_mapped_file_get_contents(map) : "";
    gsize header_length;
    gsize body_start;
    split(text, length, &header_length, &body_start);

    g_autoptr(DmDraft) draft = g_new0(DmDraft, 1);
    g_autoptr(DmHeaders) headers = dm_headers_parse(text, header_length, error);
    draft->headers = headers ? dm_field_form_all(headers, error) : NULL;
    if (!draft->headers || !check_lines(text + body_start, length - body_start, error))
        return NULL;
    dm_slice_set(&draft->body, file, (gint64)body_start, (gint64)(length - body_start));
    draft->size = (gint64)length;
    draft->algorithm = algorithm;
    DmBodyHash *hash = dm_body_hash_new(algorithm.digest);
    dm_body_hash_update(hash, text + body_start, length - body_start);
    draft->body_hash = dm_body_hash_finish(hash);
    return g_steal_pointer(&draft);
}

void dm_draft_free(DmDraft *draft)
{
    if (!draft)
        return;
    dm_headers_free(draft->headers);
    g_free(draft->body.file);
    g_free(draft->body_hash);
    g_free(draft);
}
