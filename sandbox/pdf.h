/*
 * Plain text as a PDF document.
 */
#ifndef DEMAIL_SANDBOX_PDF_H
#define DEMAIL_SANDBOX_PDF_H

#include "common/error.h"

#include <glib.h>

/* `text`: UTF-8, lines ended by LF or CRLF; long lines are broken, characters beyond Windows-1252 become "?". `title`
 * stands in the document's properties. DM_ERROR_OS if the library refuses. Any thread. Free with
 * g_byte_array_unref(). */
GByteArray *dm_pdf_from_text(const char *title, const char *text, GError **error);

#endif
