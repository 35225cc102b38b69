package explain

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/asidecache/aside/codec"
)

// Words for what bytes look like.
const (
	looksEmpty     = "empty"
	looksText      = "text"
	looksJSON      = "JSON"
	looksMsgpack   = "MessagePack"
	looksEncrypted = "encrypted"
	looksOther     = "bytes"
	uncompressed   = "behind the format byte of Compress"
	compressedZstd = "compressed by Zstandard"
	compressedS2   = "compressed by S2"
)

// maxInflated is how many bytes a value may have behind its compression to be looked at: a few may
// stand for very many.
const maxInflated = 1 << 20

var (
	inflates = codec.CompressLimit[[]byte](codec.Bytes[[]byte](), codec.Zstd, 0, maxInflated)
	unpacks  = codec.Msgpack[any]()
)

// maxLayers is how many codecs may be around a value that are looked through. One is usual.
const maxLayers = 3

// Encoding guesses how a value is encoded, by its bytes or the first of them.
func Encoding(b []byte, whole bool) string { return encoding(b, whole, maxLayers) }

func encoding(b []byte, whole bool, layers int) string {
	if outer, inner, ok := unwrap(b, whole, layers); ok {
		if inner == nil {
			return outer
		}
		return encoding(inner, whole, layers-1) + ", " + outer
	}
	switch {
	case len(b) == 0:
		return looksEmpty
	case isJSON(b, whole):
		return looksJSON
	case isText(b, whole):
		return looksText
	case isMsgpack(b, whole):
		return looksMsgpack
	case isEncrypted(b):
		return looksEncrypted
	}
	return looksOther
}

var zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// unwrap looks for what codec.Compress writes. Inner is what is inside, nil if that is not to
// be had. It looks through so many layers at most.
func unwrap(b []byte, whole bool, layers int) (outer string, inner []byte, ok bool) {
	padded := bytes.TrimLeft(b, "\xff")
	if len(padded) < 2 || layers == 0 {
		return "", nil, false
	}
	format, rest := codec.Compression(padded[0]), padded[1:]
	switch {
	case padded[0] == 0:
		looks := encoding(rest, whole, layers-1) // other bytes may begin with a zero for another reason
		return uncompressed, rest, looks != looksOther && looks != looksEncrypted
	case format == codec.Zstd && bytes.HasPrefix(rest, zstdMagic):
		outer = compressedZstd
	case format == codec.S2 && whole:
		outer = compressedS2
	default:
		return "", nil, false
	}
	if whole && inflates.ParseValue(b, &inner) == nil {
		return outer, inner, true
	}
	return outer, nil, format == codec.Zstd
}

// isJSON reports whether bytes are a JSON array or object.
func isJSON(b []byte, whole bool) bool {
	trimmed := bytes.TrimSpace(b)
	if len(trimmed) == 0 || trimmed[0] != '{' && trimmed[0] != '[' {
		return false
	}
	return whole && json.Valid(trimmed) || !whole && isText(b, false)
}

// isText reports whether bytes are UTF-8 that can be read.
func isText(b []byte, whole bool) bool {
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			return !whole && !utf8.FullRune(b)
		}
		if !unicode.IsPrint(r) && !unicode.IsSpace(r) {
			return false
		}
		b = b[size:]
	}
	return true
}

// isMsgpack reports whether bytes are one MessagePack value that is more than a byte, or may
// begin a map or an array.
func isMsgpack(b []byte, whole bool) bool {
	if whole {
		var v any
		return len(b) > 0 && b[0] > 0x7f && unpacks.ParseValue(b, &v) == nil
	}
	return len(b) > 0 && (0x80 <= b[0] && b[0] <= 0x9f || 0xdc <= b[0] && b[0] <= 0xdf)
}

// isEncrypted reports whether bytes may be what codec.Encrypt writes.
func isEncrypted(b []byte) bool {
	const shortest = 1 + 4 + 12 + 16 // version, key, nonce, tag
	return len(b) >= shortest && b[0] == 1
}

// maxShown is how many bytes of a part are shown.
const maxShown = 4 << 10

// Readable returns a value, or the beginning of it, in a form to be read, and whether anything
// was left out: text as it is, MessagePack as JSON, all else in hexadecimal.
func Readable(b []byte, whole bool) (text string, cut bool) {
	for layers := maxLayers; ; layers-- {
		_, inner, ok := unwrap(b, whole, layers)
		if !ok || inner == nil {
			break
		}
		b = inner
	}
	switch {
	case isText(b, whole):
		text = string(b)
	case whole && isMsgpack(b, whole):
		text = unpacked(b)
	default:
		text = "0x" + hex.EncodeToString(b[:min(len(b), maxShown/2)])
		return text, !whole || len(b) > maxShown/2
	}
	if len(text) > maxShown {
		text, cut = text[:maxShown], true
		for len(text) > 0 && !utf8.ValidString(text[len(text)-min(len(text), utf8.UTFMax):]) {
			text = text[:len(text)-1]
		}
	}
	return text, cut || !whole
}

// unpacked returns a MessagePack value as JSON, as far as that can hold it.
func unpacked(b []byte) string {
	var v any
	if err := unpacks.ParseValue(b, &v); err != nil {
		return ""
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return string(bytes.TrimRight(buf.Bytes(), "\n"))
}
