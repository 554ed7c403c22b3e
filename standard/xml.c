#include "standard/xml.h"

#include "standard/xml_pss.h"
#include "standard/xml_schema.h"

#include <libxml/globals.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <string.h>
#include <xmlsec/xmlsec.h>

#include <xmlsec/errors.h>
#include <xmlsec/openssl/crypto.h>

/* Canonicalisation costs elements times depth times namespaces in scope, the parser attributes of an element squared:
 * these bounds keep the worst document below seconds, and are far from any honest one. */
#define NODES_MAX      100000 /* elements, attributes, comments and processing instructions */
#define DEPTH_MAX      64
#define NAMESPACES_MAX 32   /* in scope */
#define EQUALS_MAX     4000 /* "=" between two "<", so attributes of an element */

/* Encodings in which "<" and "=" are the bytes that the bounds look for. */
static const char *const encodings[] = {"UTF-8",      "UTF-16",      "UTF-16LE",     "UTF-16BE",       "US-ASCII",
                                        "ISO-8859-1", "ISO-8859-15", "windows-1252", "ISO-10646-UCS-2"};

/* What one parse may still use up, and why it was stopped. */
typedef struct {
    guint nodes;
    const char *refused; /* NULL: not stopped */
} Budget;

static void silence(void *context, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void silence(void *context, const char *format, ...)
{
    (void)context;
    (void)format;
}

gboolean dm_xml_start(GError **error)
{
    xmlInitParser();
    xmlSetGenericErrorFunc(NULL, silence);
    xmlThrDefSetGenericErrorFunc(NULL, silence);
    if (xmlSecInit() < 0 || xmlSecCheckVersion() != 1 || xmlSecOpenSSLInit() < 0 || !dm_xml_pss_register()) {
        g_set_error(error, DM_ERROR, DM_ERROR_OS, "xmlsec1 does not start: is its version the one built with?");
        return FALSE;
    }
    xmlSecErrorsDefaultCallbackEnableOutput(0);
    return dm_xml_schema_start(error);
}

void dm_xml_stop(void)
{
    dm_xml_schema_stop();
    xmlSecOpenSSLShutdown();
    xmlSecShutdown();
    xmlCleanupParser();
}

static void refuse(xmlParserCtxtPtr parser, const char *why)
{
    Budget *budget = parser->_private;

    if (budget->refused == NULL)
        budget->refused = why;
    xmlStopParser(parser);
}

static gboolean spend(xmlParserCtxtPtr parser, guint nodes)
{
    Budget *budget = parser->_private;

    if (budget->refused != NULL)
        return FALSE;
    if (nodes > budget->nodes) {
        refuse(parser, "it has too many elements");
        return FALSE;
    }
    budget->nodes -= nodes;
    return TRUE;
}

static void on_start_document(void *context)
{
    xmlParserCtxtPtr parser = context;
    const xmlChar *encoding = parser->encoding ? parser->encoding : parser->input->encoding;

    xmlSAX2StartDocument(context);
    if (encoding == NULL)
        return;
    for (guint i = 0; i < G_N_ELEMENTS(encodings); i++)
        if (g_ascii_strcasecmp((const char *)encoding, encodings[i]) == 0)
            return;
    refuse(parser, "its encoding is neither UTF-8 nor another common one");
}

/* The parser takes a NUL for the end. */
static void on_end_document(void *context)
{
    xmlParserCtxtPtr parser = context;

    xmlSAX2EndDocument(context);
    if (parser->input != NULL && parser->input->cur < parser->input->end)
        refuse(parser, "it is not well-formed");
}

static void on_document_type(void *context, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    (void)name;
    (void)external;
    (void)system;
    refuse(context, "it has a document type declaration");
}

static void on_element(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                       int namespace_count, const xmlChar **namespaces, int attribute_count, int defaulted,
                       const xmlChar **attributes)
{
    xmlParserCtxtPtr parser = context;

    if (!spend(parser, 1U + (guint)namespace_count + (guint)attribute_count))
        return;
    if (parser->nodeNr >= DEPTH_MAX || parser->nsNr > 2 * NAMESPACES_MAX) {
        refuse(parser, "it is nested too deeply");
        return;
    }
    xmlSAX2StartElementNs(context, name, prefix, uri, namespace_count, namespaces, attribute_count, defaulted,
                          attributes);
}

static void on_comment(void *context, const xmlChar *text)
{
    if (spend(context, 1))
        xmlSAX2Comment(context, text);
}

static void on_instruction(void *context, const xmlChar *target, const xmlChar *data)
{
    if (spend(context, 1))
        xmlSAX2ProcessingInstruction(context, target, data);
}

static gboolean is_crowded(const char *bytes, gsize length)
{
    guint equals = 0;

    for (gsize i = 0; i < length; i++) {
        if (bytes[i] == '<')
            equals = 0;
        else if (bytes[i] == '=' && ++equals > EQUALS_MAX)
            return TRUE;
    }
    return FALSE;
}

static void watch(xmlParserCtxtPtr parser, Budget *budget)
{
    parser->_private = budget;
    parser->sax->startDocument = on_start_document;
    parser->sax->endDocument = on_end_document;
    parser->sax->internalSubset = on_document_type;
    parser->sax->startElementNs = on_element;
    parser->sax->comment = on_comment;
    parser->sax->processingInstruction = on_instruction;
}

static xmlDocPtr parse(xmlParserCtxtPtr parser, const char *bytes, gsize length, const char **problem)
{
    Budget budget = {NODES_MAX, NULL};

    watch(parser, &budget);
    g_autoptr(xmlDoc) document = xmlCtxtReadMemory(parser, bytes, (int)length, NULL, NULL,
                                                   XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (budget.refused != NULL)
        *problem = budget.refused;
    else if (document == NULL || xmlDocGetRootElement(document) == NULL)
        *problem = "it is not well-formed";
    else
        return g_steal_pointer(&document);
    return NULL;
}

xmlDocPtr dm_xml_parse(const char *bytes, gsize length, GError **error)
{
    const char *problem = NULL;
    xmlDocPtr document = NULL;

    if (length > G_MAXINT || is_crowded(bytes, length)) {
        g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT, "XML can't be read: it is too large");
        return NULL;
    }
    xmlParserCtxtPtr parser = xmlNewParserCtxt();
    if (parser != NULL)
        document = parse(parser, bytes, length, &problem);
    xmlFreeParserCtxt(parser);
    if (document == NULL)
        g_set_error(error, DM_ERROR, DM_ERROR_PERMANENT, "XML can't be read: %s", problem ? problem : "no memory");
    return document;
}

xmlNodePtr dm_xml_child(const xmlNode *parent, const char *name)
{
    const xmlChar *space = parent->ns ? parent->ns->href : NULL;

    for (xmlNodePtr child = parent->children; child != NULL; child = child->next) {
        if (child->type != XML_ELEMENT_NODE || strcmp((const char *)child->name, name) != 0)
            continue;
        if (xmlStrEqual(child->ns ? child->ns->href : NULL, space))
            return child;
    }
    return NULL;
}

char *dm_xml_child_text(const xmlNode *parent, const char *name)
{
    xmlNodePtr child = dm_xml_child(parent, name);

    if (child == NULL)
        return NULL;
    xmlChar *content = xmlNodeGetContent(child);
    char *text = g_strdup(content ? (const char *)content : "");
    xmlFree(content);
    return text;
}
