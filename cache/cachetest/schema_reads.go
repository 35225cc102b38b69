package cachetest

import (
	"slices"
	"strconv"
	"strings"

	"github.com/asidecache/aside/codec"
)

// A reading is what one version makes of entries that the other has stored.
type reading uint8

const (
	readsAll      reading = iota
	ignores               // a field that it does not have
	readsZero             // where the entry has no such field
	readsNil              // as zero
	readsFitting          // and finds values broken that do not fit
	findsOutdated         // what lacks the field
	findsBroken
	readsAnother // value, or finds the entry broken
)

// retyped returns what a version in which a place is of the one Type makes of what is stored
// there in another Type. Elements and fields are not looked into.
func retyped(encoding, was, is string) reading {
	switch encoding {
	case "msgpack":
		return readMsgpack(was, is)
	case "json":
		return readJSON(was, is)
	case "text":
		return readText(was, is)
	}
	return readsAnother
}

// encodingOf returns an encoding without those that are around it.
func encodingOf(codec string) string { return codec[strings.LastIndexByte(codec, ' ')+1:] }

func readMsgpack(was, is string) reading {
	from, to := scalarOf(was), scalarOf(is)
	switch {
	case was == "struct" && is == "tuple", isMany(was) && is == "list": // what is stored says which it is
		return readsAll
	case isText(was) && (is == "string" || is == "bytes"):
		return readsAll
	case from.integer() && to.number():
		return holds(from, to, readsFitting)
	case from.float() && to.float() && to.bits > from.bits:
		return readsAll
	case from.float() && to.number():
		return findsBroken
	}
	if class := msgpackClass(was); class == "list" && (is == "struct" || is == "tuple") || class == "map" && is == "tuple" {
		return readsAnother
	}
	return byClass(was, msgpackClass(was), msgpackClass(is))
}

func readJSON(was, is string) reading {
	from, to := scalarOf(was), scalarOf(is)
	switch {
	case isMany(was) && is == "list":
		return readsAll
	case from.integer() && to.integer():
		return holds(from, to, readsFitting)
	case from.integer() && to.float():
		return holds(from, to, readsAnother)
	case from.float() && to.integer():
		return readsFitting
	case was == "time" && is == "bytes": // which are base64
		return findsBroken
	}
	if isMany(was) && is == "bytes" {
		return readsAnother
	}
	return byClass(was, jsonClass(was), jsonClass(is))
}

func readText(was, is string) reading {
	from, to := scalarOf(was), scalarOf(is)
	switch {
	case was == "string" && is == "bytes", was == "bytes" && is == "string":
		return readsAll
	case from.integer() && to.integer():
		return holds(from, to, readsFitting)
	case from.integer() && to.float():
		return holds(from, to, readsAnother)
	case from.integer() && is == "duration":
		return holds(from, scalarOf("int64"), readsFitting)
	case from.float() && (to.integer() || is == "duration"):
		return readsFitting
	case from.number() && is == "bool", from.float() && to.float():
		return readsAnother
	case from.simple() && to.simple() && from.kind != "string" && to.kind != "string":
		return findsBroken
	}
	return readsAnother
}

// byClass returns findsBroken if what is stored begins otherwise than what is read. Not so where
// it may be nil, which is read as zero.
func byClass(was, stored, read string) reading {
	mayBeNil := slices.Contains([]string{"bytes", "list", "map"}, was)
	if stored == "" || read == "" || stored == read || mayBeNil {
		return readsAnother
	}
	return findsBroken
}

// msgpackClass returns how the MessagePack of a Type begins, empty if that is not known.
func msgpackClass(typ string) string {
	switch {
	case scalarOf(typ).number():
		return "number"
	case isText(typ):
		return "text"
	case typ == "tuple":
		return "list"
	}
	return class(typ)
}

// jsonClass returns how the JSON of a Type begins, empty if that is not known.
func jsonClass(typ string) string {
	switch {
	case scalarOf(typ).number():
		return "number"
	case isText(typ), typ == "time", strings.HasPrefix(typ, "quoted "):
		return "text"
	}
	return class(typ)
}

func class(typ string) string {
	switch {
	case isMany(typ):
		return "list"
	case typ == "struct":
		return "map"
	case typ == "bool", typ == "time", typ == "map":
		return typ
	}
	return ""
}

func isText(typ string) bool {
	return typ == "string" || typ == "bytes" || strings.HasPrefix(typ, "bytes of ")
}

// isMany reports whether a Type is one of elements in a row.
func isMany(typ string) bool { return typ == "list" || strings.HasPrefix(typ, "array of ") }

// isContainer reports whether a Type has elements or fields.
func isContainer(typ string) bool { return msgpackClass(typ) == "list" || msgpackClass(typ) == "map" }

// A scalar is a Type that is one value. The zero scalar is none.
type scalar struct {
	kind string // int, uint, float, or the Type
	bits int
}

func scalarOf(typ string) scalar {
	switch typ {
	case "bool", "string", "time", "duration":
		return scalar{typ, 0}
	case "uintptr":
		return scalar{"uint", 64}
	}
	for _, kind := range []string{"int", "uint", "float"} {
		if bits, ok := strings.CutPrefix(typ, kind); ok {
			n, err := strconv.Atoi(bits)
			if bits == "" {
				n = 64
			} else if err != nil {
				return scalar{}
			}
			return scalar{kind, n}
		}
	}
	return scalar{}
}

func (s scalar) simple() bool  { return s.kind != "" }
func (s scalar) float() bool   { return s.kind == "float" }
func (s scalar) integer() bool { return s.kind == "int" || s.kind == "uint" }
func (s scalar) number() bool  { return s.float() || s.integer() }

// holds returns readsAll if to has every value of the integer from, and else what happens to
// those that it has not.
func holds(from, to scalar, others reading) reading {
	digits := map[scalar]int{{"float", 32}: 24, {"float", 64}: 53}[to]
	switch {
	case to.kind == "int":
		digits = to.bits - 1
	case to.kind == "uint" && from.kind == "uint":
		digits = to.bits
	}
	needs := from.bits
	if from.kind == "int" {
		needs--
	}
	if needs <= digits {
		return readsAll
	}
	return others
}

// recoded returns what a version makes of entries in another encoding. Those of this module mark
// what has elements or fields, so that no other reads it.
func recoded(wasCodec string, was *codec.Schema, isCodec string, is *codec.Schema) reading {
	if marks(wasCodec) && marks(isCodec) && isContainer(was.Type) && isContainer(is.Type) {
		return findsBroken
	}
	return readsAnother
}

// marks reports whether a codec is of this module, and marks what has elements or fields.
func marks(codec string) bool {
	layers := strings.Fields(codec)
	if len(layers) == 0 || layers[len(layers)-1] != "msgpack" && layers[len(layers)-1] != "json" {
		return false
	}
	return !slices.ContainsFunc(layers[:len(layers)-1], func(l string) bool { return l != "compressed" && l != "encrypted" })
}
