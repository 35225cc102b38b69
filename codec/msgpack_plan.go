package codec

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"
)

// A packOp is how the values of a type are written and read.
type packOp uint8

const (
	packBool packOp = iota
	packInt         // as short as it can be, as uint
	packInt8
	packInt16
	packInt32
	packInt64
	packUint
	packUint8
	packUint16
	packUint32
	packUint64
	packFloat32
	packFloat64
	packString
	packBytes
	packByteArray
	packSlice
	packArray
	packMap
	packMapStringString
	packMapStringAny
	packPointer
	packStruct
	packTime
	packAny
	packError
	packMethods // the binary or text methods of package encoding
	packLibrary // whatever the library does
)

// A packNode is the plan of one type: all that is needed to write and read its
// values without asking reflection about the type again.
type packNode struct {
	op      packOp
	nilable bool // an own-method type that is a map or a slice: nil is written as nil
	zeroer  bool // has IsZero, which omitempty asks
	dynamic bool // a map whose keys may hold what cannot be hashed
	opaque  bool // a struct of which nothing would be stored
	typ     reflect.Type
	size    uintptr     // of a variable, in bytes
	len     int         // of an array
	elem    *packNode   // of a pointer, slice, array or map
	key     *packNode   // of a map
	cells   *sync.Pool  // of a map: *mapCells
	fields  *packFields // of a struct
	methods *methodSet  // of packMethods
}

var (
	timeType  = reflect.TypeFor[time.Time]()
	errorType = reflect.TypeFor[error]()
)

// A packCompiler plans a type and the types in it.
type packCompiler struct {
	nodes   map[reflect.Type]*packNode // by type, those in the making as well: types may be recursive
	inlined []reflect.Type             // structs whose fields are being listed
	methods bool
	errs    []error
}

// packPath names a type at the beginning of a path.
func packPath(t reflect.Type) string {
	if t.Name() != "" {
		return t.Name()
	}
	return t.String()
}

func (c *packCompiler) refuse(path string, t reflect.Type, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("codec: MessagePack cannot hold %s (%v): %s", path, t, fmt.Sprintf(format, args...)))
}

// node returns the plan of t. Of a type that cannot be carried it notes the
// error and returns a node not to be used.
func (c *packCompiler) node(t reflect.Type, path string) *packNode {
	n := c.plan(t, path)
	if n.opaque {
		c.refuse(path, t, "it has no exported fields, so nothing of it would be stored; leave the field out with the tag `msgpack:\"-\"`, or give the type MarshalBinary and UnmarshalBinary")
	}
	return n
}

// plan is node for a type that may be opaque.
func (c *packCompiler) plan(t reflect.Type, path string) *packNode {
	if n, ok := c.nodes[t]; ok {
		return n
	}
	n := &packNode{typ: t, size: t.Size()}
	c.nodes[t] = n
	n.zeroer = t.Kind() != reflect.Interface && t.Implements(reflect.TypeFor[interface{ IsZero() bool }]())
	switch {
	case t == timeType:
		n.op = packTime
	case t.Kind() == reflect.Interface:
		c.iface(n, path)
	case t.Kind() == reflect.Pointer:
		c.pointer(n, path)
	case !c.own(n, path):
		c.kind(n, path)
	}
	if len(c.errs) == 0 && t != timeType && t.PkgPath() != "" && registered(n) {
		n.op, n.opaque = packLibrary, false
	}
	if n.op == packLibrary || n.op == packMethods {
		c.methods = true
	}
	return n
}

func (c *packCompiler) iface(n *packNode, path string) {
	switch {
	case n.typ == errorType:
		n.op = packError
	case n.typ.NumMethod() == 0:
		n.op = packAny
	default:
		c.refuse(path, n.typ, "which type to read into an interface with methods is not known; use a concrete type, or any")
	}
}

func (c *packCompiler) pointer(n *packNode, path string) {
	n.op = packPointer
	n.elem = c.node(n.typ.Elem(), path)
	for e, hops := n.elem, 0; e != nil && e.op == packPointer; e, hops = e.elem, hops+1 {
		if hops > maxDepth || e == n {
			c.refuse(path, n.typ, "it points to nothing but itself")
			return
		}
	}
}

var packOps = map[reflect.Kind]packOp{
	reflect.Bool: packBool, reflect.String: packString,
	reflect.Int: packInt, reflect.Int8: packInt8, reflect.Int16: packInt16, reflect.Int32: packInt32, reflect.Int64: packInt64,
	reflect.Uint: packUint, reflect.Uint8: packUint8, reflect.Uint16: packUint16, reflect.Uint32: packUint32, reflect.Uint64: packUint64,
	reflect.Float32: packFloat32, reflect.Float64: packFloat64,
	reflect.Slice: packSlice, reflect.Array: packArray, reflect.Map: packMap, reflect.Struct: packStruct,
}

// kind plans a type without methods of its own by its kind.
func (c *packCompiler) kind(n *packNode, path string) {
	op, ok := packOps[n.typ.Kind()]
	if !ok {
		c.refuse(path, n.typ, "leave the field out with the tag `msgpack:\"-\"`, or give the type MarshalBinary and UnmarshalBinary")
		return
	}
	n.op = op
	switch op {
	case packSlice, packArray:
		c.list(n, path)
	case packMap:
		c.mapping(n, path)
	case packStruct:
		around := c.inlined
		c.inlined = nil
		n.fields = c.structFields(n.typ, path)
		c.inlined = around
		n.opaque = n.size > 0 && !slices.ContainsFunc(reflect.VisibleFields(n.typ), isPacked)
	}
}

func (c *packCompiler) list(n *packNode, path string) {
	array := n.op == packArray
	if array {
		n.len = n.typ.Len()
	}
	switch {
	case n.typ.Elem().Kind() != reflect.Uint8:
		n.elem = c.node(n.typ.Elem(), path+"[]")
	case array:
		n.op = packByteArray
	default:
		n.op = packBytes
	}
}

func (c *packCompiler) mapping(n *packNode, path string) {
	n.key = c.node(n.typ.Key(), path+"[key]")
	n.elem = c.node(n.typ.Elem(), path+"[]")
	n.dynamic = holdsInterface(n.typ.Key())
	switch {
	case n.key.op == packString && n.elem.op == packString:
		n.op = packMapStringString
	case n.key.op == packString && n.elem.op == packAny:
		n.op = packMapStringAny
	}
	t := n.typ
	n.cells = &sync.Pool{New: func() any { return newMapCells(t) }}
}

// holdsInterface reports whether a variable of the comparable type t may hold what
// cannot be compared.
func holdsInterface(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Array:
		return holdsInterface(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if holdsInterface(f.Type) {
				return true
			}
		}
	}
	return false
}

// The encoding methods of a type, in the order in which the library looks for
// them.
var packMethodKinds = []struct {
	write, read    string
	writer, reader reflect.Type
	set            *methodSet
}{
	{"EncodeMsgpack", "DecodeMsgpack", reflect.TypeFor[msgpack.CustomEncoder](), reflect.TypeFor[msgpack.CustomDecoder](), nil},
	{"MarshalMsgpack", "UnmarshalMsgpack", reflect.TypeFor[msgpack.Marshaler](), reflect.TypeFor[msgpack.Unmarshaler](), nil},
	{"MarshalBinary", "UnmarshalBinary", binaryMethods.marshaler, binaryMethods.unmarshaler, binaryMethods},
	{"MarshalText", "UnmarshalText", textMethods.marshaler, textMethods.unmarshaler, textMethods},
}

// own plans a type that has encoding methods of its own, if it has.
func (c *packCompiler) own(n *packNode, path string) bool {
	writer, reader := -1, -1
	for _, t := range []reflect.Type{n.typ, reflect.PointerTo(n.typ)} {
		for i, m := range packMethodKinds {
			if writer < 0 && t.Implements(m.writer) {
				writer = i
			}
			if reader < 0 && t.Implements(m.reader) {
				reader = i
			}
		}
	}
	if writer >= 0 {
		err := promotionLoss(n.typ, packMethodKinds[writer].write, func(f reflect.StructField) bool { return f.Tag.Get("msgpack") == "-" })
		if err != nil {
			c.refuse(path, n.typ, "%v", err)
			return true
		}
	}
	const none, library = -1, 1 // up to here a type deals with the library directly
	switch {
	case writer == none && reader == none:
		return false
	case max(writer, reader) <= library: // or one of them without the other, which the library completes
		n.op = packLibrary
	case writer == none:
		c.refuse(path, n.typ, "it can be only read; give it %s", packMethodKinds[reader].write)
	case reader == none:
		c.refuse(path, n.typ, "it can be only written; give it %s", packMethodKinds[writer].read)
	case writer != reader:
		c.refuse(path, n.typ, "it is written with %s but read with %s; give it the other half of one of them", packMethodKinds[writer].write, packMethodKinds[reader].read)
	default:
		n.op, n.methods = packMethods, packMethodKinds[writer].set
		n.nilable = n.typ.Kind() == reflect.Map || n.typ.Kind() == reflect.Slice
	}
	return true
}

// registered reports whether the library writes the zero value otherwise than
// the plan, which it does for types that were registered by msgpack.RegisterExt,
// RegisterExtEncoder or Register: there is no way to ask for these.
func registered(n *packNode) bool {
	zero := reflect.New(n.typ)
	theirs, err := func() (b []byte, err error) {
		defer contain(&err)
		return msgpack.Marshal(zero.Interface())
	}()
	if err != nil {
		return false // as for a type whose zero value has no encoding
	}
	ours, err := (&Packed{node: n}).Append(nil, unsafe.Pointer(zero.Pointer()))
	return err == nil && !bytes.Equal(ours, theirs)
}
