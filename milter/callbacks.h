/*
 * The filter as libmilter sees it: thin callbacks around a DmSession.
 *
 * One decision, at the end of the header. MAIL, RCPT and header lines are streamed to us without an answer, HELO, DATA,
 * body and unknown commands are not sent at all: a message that stays as it is costs one round trip, and we hear no
 * more of it. For the others, refused ones as well, a second one follows at the end of the message: there we act.
 *
 * What the two MTAs do differently, and how we take it (tests/integration/test_differences.py holds them to it):
 *
 *   queue id             Postfix knows it from the second RCPT on, Sendmail from MAIL: asked for at MAIL and at
 *                        DATA; libmilter keeps it.
 *   login                {auth_authen} at MAIL in both; Sendmail's is user@realm: read and copied at MAIL.
 *   addresses            as typed, with <> over SMTP; Postfix gives sendmail(1)'s without <> and may have rewritten them,
 *                        while smfi_delrcpt() compares with its own form: a recipient is deleted in both forms.
 *   null sender          "<>" over SMTP, "" from Postfix's sendmail(1).
 *   blank after colon    SMFIP_HDR_LEADSPC in both; where an MTA lacks it, it adds the blank itself: remembered per
 *                        connection.
 *   deleted fields       Postfix moves later fields of the name up, Sendmail keeps their numbers: from the bottom up.
 *   Message-ID, Date     Postfix fills them in before we look, Sendmail does not: we add a Message-ID to De-Mail, and the
 *                        mailer demail has no F=M.
 *   From                 Sendmail quotes display names anew when it delivers: the stamp's MAC leaves quotes out.
 *   no From              Postfix adds one for local clients before we look; Sendmail does not: refused, from-count.
 *   large header         Sendmail refuses over 32 KiB itself; Postfix cuts each field at header_size_limit.
 *   refusal              over SMTP the reply; Postfix's sendmail(1) gets a bounce, Sendmail's an exit status.
 *   long lines           Postfix's lmtp(8) breaks them at 998 bytes unless told not to (contrib/postfix/master.cf).
 *   SMTPUTF8             only Postfix offers it.
 */
#ifndef DEMAIL_MILTER_CALLBACKS_H
#define DEMAIL_MILTER_CALLBACKS_H

#include <libmilter/mfapi.h>

/* The description for smfi_register(). */
extern struct smfiDesc dm_milter_description;

#endif
