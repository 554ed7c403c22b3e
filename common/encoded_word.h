/*
 * Encoded words (RFC 2047) in a form that GMime decodes without loss.
 */
#ifndef DEMAIL_COMMON_ENCODED_WORD_H
#define DEMAIL_COMMON_ENCODED_WORD_H

/* `line`, an unfolded value, with adjacent base64 words of one charset made one word: GMime decodes such a run as one
 * piece of base64 and would stop at the padding of its first word. Any bytes; any thread. Free with g_free(). */
char *dm_encoded_words_join(const char *line);

#endif
