dnl For Sendmail 8.14 or newer. At the end of /etc/mail/sendmail.mc, behind the MAILER lines:
dnl     include(`/etc/demail/demail.m4')
dnl then make sendmail.cf anew and restart Sendmail. The paths and ports are the defaults of demail.conf(5).

dnl Every SMTP session passes the milter, those of sendmail(1) too: submit.cf (FEATURE(`msp')) hands its messages to the
dnl daemon by SMTP. F=T: without the milter nothing is taken, the client tries again later. Without F= De-Mail
dnl recipients would go by unseen. demail-milter asks for the macros that it needs, `i' and {auth_authen} at MAIL, so
dnl confMILTER_MACROS_* may stay as they are.
INPUT_MAIL_FILTER(`demail', `S=inet:8895@127.0.0.1, F=T, T=C:30s;S:30s;R:30s;E:5m')dnl

dnl The way in: demail-poller hands received De-Mail over here. No milter, because these messages bear genuine
dnl X-de-mail-* fields. The first line keeps Sendmail's own port, which a DAEMON_OPTIONS would replace.
ifelse(defn(`_DPO_'), `', `DAEMON_OPTIONS(`Name=MTA')')dnl
DAEMON_OPTIONS(`Name=demail-in, Addr=127.0.0.1, Port=10025, InputMailFilters=')dnl

dnl A body must arrive byte for byte. Sendmail otherwise takes multipart bodies apart in search of overlong MIME fields,
dnl and loses what stands behind the last boundary. This holds for all mail.
define(`confMAX_MIME_HEADER_LENGTH', `0/0')dnl

dnl The De-Mail domains, the table of demail.conf(5): Sendmail reads its source, so nothing is compiled for it. While
dnl it can't be read, all mail waits in the queue.
LOCAL_CONFIG
Kdemail_domains text -v1 /etc/demail/demail_domains

dnl Two kinds of recipients go to demail-poller. Those that the milter diverted, with divert_domain of demail.conf(5)
dnl behind them. And, as the barrier, whatever reaches a De-Mail domain without the milter (an alias, a port without
dnl it): demail-poller refuses it, so that it does not leave as plain e-mail.
LOCAL_RULE_0
R$* < @ $+ > $*			$: $>demail_route < $2 > $1 < @ $2 > $3
R< demail > $* < @ $+ . > $*	$#demail $@ demail $: $1 < @ $2 > $3
R< demail > $* < @ $+ > $*	$#demail $@ demail $: $1 < @ $2 > $3

dnl From <domain> and address: <demail> and address, or the address alone. A domain is looked up as it stands, then its
dnl parents with a dot before them; the value "no" excepts it.
LOCAL_RULESETS
Sdemail_route
R< $+ . > $*			$: < $1 > $2
R< $+ .demail.invalid > $*	$@ < demail > $2
R< demail.invalid > $*		$@ < demail > $1
R< $+ > $*			$: < $1 > < $( demail_domains $1 $: ? $) > $2
R< $+ . $+ > < ? > $*		< $2 > < $( demail_domains .$2 $: ? $) > $3
R< $+ > < ? > $*		$@ $2
R< $+ > < no > $*		$@ $2
R< $+ > < $+ > $*		$@ < demail > $3

dnl LMTP (z), one envelope however many recipients (m, r). No S= and R=, and neither F nor M in F=: the message must
dnl come to demail-poller with the addresses and fields that the milter stamped. No L=: long lines stay as they are.
MAILER_DEFINITIONS
Mdemail,	P=[IPC], F=DXkmnuz, E=\r\n, r=10000, T=DNS/RFC822/SMTP,
		A=FILE /run/demail/lmtp.sock
