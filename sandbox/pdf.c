#include "sandbox/pdf.h"

#include <hpdf.h>
#include <string.h>

#define FONT       "Courier"
#define ENCODING   "WinAnsiEncoding"
#define CHARSET    "WINDOWS-1252"
#define FONT_SIZE  9
#define LEADING    11
#define MARGIN     50
#define LINE_CHARS 90 /* of A4's width, 5.4 points each */
#define PAGE_LINES 66

typedef struct {
    HPDF_Doc document;
    HPDF_Font font;
    HPDF_Page page; /* NULL: the next line begins one */
    guint lines;    /* on it */
} Writer;

static char *to_charset(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    return g_convert_with_fallback(valid, -1, CHARSET, "UTF-8", "?", NULL, NULL, NULL);
}

static void end_page(Writer *writer)
{
    if (writer->page)
        HPDF_Page_EndText(writer->page);
    writer->page = NULL;
}

static void begin_page(Writer *writer)
{
    writer->page = HPDF_AddPage(writer->document);
    writer->lines = 0;
    HPDF_Page_SetSize(writer->page, HPDF_PAGE_SIZE_A4, HPDF_PAGE_PORTRAIT);
    HPDF_Page_BeginText(writer->page);
    HPDF_Page_SetFontAndSize(writer->page, writer->font, FONT_SIZE);
    HPDF_Page_SetTextLeading(writer->page, LEADING);
    HPDF_Page_MoveTextPos(writer->page, MARGIN, HPDF_Page_GetHeight(writer->page) - MARGIN - LEADING);
}

static void write_row(Writer *writer, const char *row)
{
    if (!writer->page)
        begin_page(writer);
    HPDF_Page_ShowText(writer->page, row);
    HPDF_Page_MoveToNextLine(writer->page);
    if (++writer->lines == PAGE_LINES)
        end_page(writer);
}

/* One line of the text, in as many rows as it needs. */
static void write_line(Writer *writer, const char *line)
{
    gsize length = strlen(line);
    for (gsize start = 0; start == 0 || start < length; start += LINE_CHARS) {
        g_autofree char *row = g_strndup(line + start, LINE_CHARS);
        write_row(writer, row);
    }
}

static void write_text(Writer *writer, const char *title, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    HPDF_SetInfoAttr(writer->document, HPDF_INFO_TITLE, title);
    HPDF_SetCompressionMode(writer->document, HPDF_COMP_TEXT);
    writer->font = HPDF_GetFont(writer->document, FONT, ENCODING);
    for (gsize i = 0; lines[i]; i++)
        write_line(writer, g_strdelimit(g_strchomp(lines[i]), "\t\r", ' '));
    end_page(writer);
}

static GByteArray *save(HPDF_Doc document)
{
    if (HPDF_SaveToStream(document) != HPDF_OK)
        return NULL;
    HPDF_UINT32 size = HPDF_GetStreamSize(document);
    GByteArray *bytes = g_byte_array_sized_new(size);
    g_byte_array_set_size(bytes, size);
    HPDF_ResetStream(document);
    if (HPDF_ReadFromStream(document, bytes->data, &size) == HPDF_OK || size == bytes->len)
        return bytes;
    g_byte_array_unref(bytes);
    return NULL;
}

/* Without an error handler the library remembers its first error, and calls after it do nothing. */
GByteArray *dm_pdf_from_text(const char *title, const char *text, GError **error)
{
    g_autofree char *plain_title = to_charset(title);
    g_autofree char *plain_text = to_charset(text);
    Writer writer = {.document = HPDF_New(NULL, NULL)};
    GByteArray *bytes = NULL;
    if (writer.document && plain_title && plain_text) {
        write_text(&writer, plain_title, plain_text);
        bytes = save(writer.document);
    }
    if (!bytes)
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "a PDF document can't be made: libharu error %#lx",
                    writer.document ? HPDF_GetError(writer.document) : 0UL);
    if (writer.document)
        HPDF_Free(writer.document);
    return bytes;
}
