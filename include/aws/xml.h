/* One text out of a small XML answer, as the query protocol of AWS sends them: elements, attributes (ignored)
 * and text. Whatever else XML knows (DTD, comment, CDATA, processing instruction but for the declaration) is
 * refused. */
#ifndef AWS_XML_H
#define AWS_XML_H

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>

#define XML_BYTES_MAX 65536
#define XML_DEPTH_MAX 8

/* Appends the text of the one element at path ("ErrorResponse/Error/Code"), with its references replaced.
 * ERR_SYNTAX or ERR_TOO_BIG when any part of the document is not well-formed by the rules above, when the
 * element comes twice, has elements inside or does not fit into text; ERR_NOT_FOUND when it is not there. */
int xml_text(const char *xml, size_t length, const char *path, struct buf *text, struct err *err);

#endif
