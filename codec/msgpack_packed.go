package codec

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"sync"
	"unsafe"
)

// A Packed is the MessagePack form of one type that is known only at run time:
// of a hash field, say. It is what Msgpack is made of, and agrees with
// github.com/vmihailenco/msgpack/v5 on every type:
//
//	bool, integers, floats   int and uint as short as they can be, others at full width
//	string                   str
//	[]byte, [N]byte          bin; nil is nil
//	slices, arrays           array; a nil slice is nil
//	maps                     map, in no order; a nil map is nil
//	structs                  map by field name, or array with _msgpack struct{} `msgpack:",as_array"`
//	pointers                 what they point to, or nil; which pointer of a pointer to a
//	                         pointer is nil is not stored
//	any                      the value in it; read as nil, bool, int8 to uint64, float32, float64, string,
//	                         []byte, []any, map[string]any, time.Time, and map[any]any where a key is
//	                         no string
//	error                    its text
//	time.Time                extension -1; the zone is not kept, times are read in time.Local
//	time.Duration            an integer of nanoseconds
//
// and named types of these. A type, or its pointer, with EncodeMsgpack and
// DecodeMsgpack, MarshalMsgpack and UnmarshalMsgpack, the binary or the text
// methods of package encoding is written and read with them, and so is one that
// was registered by msgpack.RegisterExt and its like before its first use here.
//
// Of struct tags the name, -, omitempty, inline, noinline, alias and as_array
// work as in the library. Fields that the bytes do not name keep their zero
// value if they may be left out, and are an ErrOutdated if not; names that the struct does not
// have are skipped, and of a repeated name or key the last one counts.
//
// It is stricter than the library. Reading refuses, before anything is
// allocated, bytes that are not exactly one well-formed value nested at most 64
// deep; then a number that the type cannot hold exactly (300 in an int8, -1 in a
// uint, 1<<53+1 in a float64) and a map key that cannot be hashed. What is
// allocated, beside the bytes of strings, is at most 256 times len(src) and 1
// MiB. Writing refuses what could not be read back for these reasons, such as a
// cyclic value. PackedOf refuses what the library would lose or fail on: two
// fields of one name, a struct with content but without exported fields, one that is
// written by the methods of a type embedded in it and would lose its other fields, channels,
// functions and complex numbers, interfaces with methods, methods that only write
// or only read, interned strings, and quoted tags. Unexported fields of a struct that
// has exported ones are left out, as by every codec.
//
// What a type's own methods allocate, and how they read numbers, is up to them; they are
// called with one well-formed value. Their errors and panics become errors that name the
// type.
//
// A Packed is safe for concurrent use.
type Packed struct {
	node    *packNode
	methods bool // there are, or may be, methods of user types to call

	missingAreZero bool // see MissingFieldsAreZero
}

// PackedOf returns the MessagePack form of t. A type that has none is an error,
// which names each of its fields that cannot be encoded and says what to do about it.
func PackedOf(t reflect.Type) (*Packed, error) {
	if t == nil {
		return nil, errors.New("codec: a nil reflect.Type has no MessagePack form; use reflect.TypeFor")
	}
	if known, ok := packs.Load(t); ok {
		return known.(*packing).packed, known.(*packing).err
	}
	c := &packCompiler{nodes: make(map[reflect.Type]*packNode)}
	made := &packing{packed: &Packed{node: c.node(t, packPath(t)), methods: c.methods}}
	if len(c.errs) > 0 {
		made.packed, made.err = nil, errors.Join(c.errs...)
	}
	known, _ := packs.LoadOrStore(t, made)
	return known.(*packing).packed, known.(*packing).err
}

// MissingFieldsAreZero returns the same form, but for what the option of this name changes.
func (k *Packed) MissingFieldsAreZero() *Packed {
	return &Packed{node: k.node, methods: k.methods, missingAreZero: true}
}

// packs holds a *packing for each reflect.Type that PackedOf was asked for.
var packs sync.Map

type packing struct {
	packed *Packed
	err    error
}

// Append appends the MessagePack of the variable at p, which must be of the
// Packed's type, and returns the longer slice. On an error it returns dst as it
// was. It allocates only where dst is too short, for types with methods of their
// own, and for values in an any that are not of the types an any is read as.
func (k *Packed) Append(dst []byte, p unsafe.Pointer) ([]byte, error) {
	w := packer{}
	b, err := k.append(&w, dst, p)
	switch n := len(b) - len(dst); {
	case err != nil:
	case uint64(n) > math.MaxUint32:
		err = fmt.Errorf("codec: a value of type %v of 4 GiB or more is not written, because MessagePack cannot tell such lengths", k.node.typ)
	case w.held > held(n):
		err = fmt.Errorf("codec: a value of type %v that is hundreds of times larger in memory than as MessagePack is not written, because it could not be read back", k.node.typ)
	}
	if _, ok := errors.AsType[*panicError](err); ok {
		err = opaque(fmt.Sprintf("MessagePack of type %v", k.node.typ), err)
	}
	if err != nil {
		return dst, err
	}
	return b, nil
}

func (k *Packed) append(w *packer, dst []byte, p unsafe.Pointer) (b []byte, err error) {
	defer contain(&err)
	return w.value(dst, k.node, p)
}

// Parse sets the variable at p, which must be of the Packed's type and hold its
// zero value, from src. It keeps nothing of src and allocates only what the
// variable keeps. On an error the variable holds some of the value or none. The
// error names the field that cannot be read and never holds the bytes.
func (k *Packed) Parse(src []byte, p unsafe.Pointer) error {
	text, bad := scan(src)
	if bad == nil {
		r := unpacker{
			b: src, left: held(len(src)), strings: text - k.node.names(), missingAreZero: k.missingAreZero,
		}
		bad = k.parse(&r, p)
	}
	switch {
	case bad == nil:
		return nil
	case bad.outdated:
		return outdated("MessagePack", k.node.typ, bad.path)
	}
	return fmt.Errorf("codec: the stored bytes are no MessagePack of type %v: %w", k.node.typ, bad)
}

func (k *Packed) parse(r *unpacker, p unsafe.Pointer) (bad *unreadable) {
	var err error
	defer func() {
		if err != nil {
			bad = &unreadable{why: opaque("reading them", err).Error()}
		}
	}()
	defer contain(&err)
	return r.value(k.node, p)
}

// held is how many bytes of memory, strings aside, a value may take that is n
// bytes of MessagePack. Without the bound a byte could stand for a struct of any
// size: bytes that are not trusted would choose how often it is allocated.
func held(n int) int { return 256*n + 1<<20 }

// An unreadable says why bytes cannot be read, and in which field.
type unreadable struct {
	path string // fields from the outermost to the one to blame: "Owner.Age"
	why  string

	outdated bool // the field is missing, which is always written
}

func (e *unreadable) Error() string {
	if e.path == "" {
		return e.why
	}
	return e.path + ": " + e.why
}

// in says that the value is in the named field. The receiver may be shared.
func (e *unreadable) in(field string) *unreadable {
	if e.path != "" {
		field += "." + e.path
	}
	return &unreadable{path: field, why: e.why, outdated: e.outdated}
}
