#include "ctl/findings_json.h"

#include "ctl/output.h"

static const char *class_letter(DmMessageClass message_class)
{
    switch (message_class) {
    case DM_CLASS_UNKNOWN:
        return NULL;
    case DM_CLASS_NORMAL:
        return "N";
    case DM_CLASS_CONFIRMATION:
        return "B";
    case DM_CLASS_NOTIFICATION:
        return "M";
    case DM_CLASS_IDENTIFICATION:
        return "I";
    }
    return NULL;
}

static const char *form_word(DmIntegrityForm form)
{
    switch (form) {
    case DM_FORM_NONE:
        return NULL;
    case DM_FORM_HASH:
        return "hash";
    case DM_FORM_SIGNED:
        return "signed";
    }
    return NULL;
}

json_t *dm_findings_text(const char *text)
{
    g_autofree char *valid = text != NULL ? g_utf8_make_valid(text, -1) : NULL;

    return valid != NULL ? json_string(valid) : json_null();
}

json_t *dm_findings_json(const DmFindings *findings)
{
    return json_pack("{s:b, s:o, s:o, s:o, s:s?, s:o, s:s?, s:s?, s:s?, s:o, s:s?, s:s?, s:b}", "valid",
                     dm_findings_valid(findings), "reasons", dm_output_strings(findings->reasons), "warnings",
                     dm_output_strings(findings->warnings), "message_type", dm_findings_text(findings->message_type),
                     "class", class_letter(findings->message_class), "a", dm_findings_text(findings->algorithm), "form",
                     form_word(findings->form), "digest", findings->digest, "signature_algorithm",
                     findings->signature_algorithm, "signer", dm_findings_text(findings->signer), "body_hash",
                     findings->body_hash, "header_hash", findings->header_hash, "deliverable", findings->deliverable);
}
