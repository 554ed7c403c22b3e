/*
 * The draft (Nachrichtenentwurf, PVD FU 6.2): the header of a message as the milter left it in the queue becomes the
 * header that the provider gets.
 *
 * From gets the address in X-de-mail-sender and keeps its display name; Reply-To is mapped, or removed if one of its
 * addresses has no De-Mail address; own e-mail addresses in To and Cc are mapped where they have a De-Mail address;
 * divert suffixes there are cut off. Removed are Sender, Bcc, Resent-Bcc, Return-Path, the traces of a delivery
 * (Received, Delivered-To, X-Original-To, Envelope-to), the configured fields and all X-Demail-*. Recipients that
 * are in neither to= nor cc= of X-de-mail-chosen-recipient stand there as bcc=. A field that needs no change stays as
 * it is, byte for byte.
 */
#ifndef DEMAIL_POLLER_DRAFT_H
#define DEMAIL_POLLER_DRAFT_H

#include "common/header.h"

/* Maps an e-mail address to the De-Mail address of its owner: *demail = NULL where it has none, a copy of `email` where
 * it is a De-Mail address of the tenant. FALSE with DM_ERROR_TEMPORARY if that can't be told now. */
typedef gboolean (*DmDraftMap)(const char *email, char **demail, gpointer data, GError **error);

typedef struct {
    const char *divert_domain;
    char *const *strip_headers; /* NULL-terminated */
    char *const *recipients;    /* NULL-terminated: De-Mail addresses that this draft goes to */
    DmDraftMap map;
    gpointer map_data;
} DmDraft;

/* Turns `headers` into the draft's. DM_ERROR_PERMANENT if From or X-de-mail-sender is not exactly one address or the
 * list of recipients is unreadable; errors of `map`. After an error `headers` is of no use. */
gboolean dm_draft_make(const DmDraft *draft, DmHeaders *headers, GError **error);

/* The one address in X-de-mail-sender; NULL with DM_ERROR_PERMANENT if there is not exactly one. Free with g_free(). */
char *dm_draft_sender(const DmHeaders *headers, GError **error);

#endif
