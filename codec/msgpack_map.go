package codec

import (
	"fmt"
	"reflect"
	"unsafe"
)

// mapEntry is what an entry of a map is assumed to cost beyond its key and value,
// in bytes.
const mapEntry = 8

// mapCells are variables for a key and a value of a map on their way in or out:
// only reflection can go through a map of a type that is known at run time.
type mapCells struct {
	iter       reflect.MapIter
	key, value reflect.Value
}

func newMapCells(t reflect.Type) *mapCells {
	return &mapCells{key: reflect.New(t.Key()), value: reflect.New(t.Elem())}
}

// release returns the cells to the pool, without what they hold.
func (c *mapCells) release(n *packNode) {
	c.iter.Reset(reflect.Value{})
	c.key.Elem().SetZero()
	c.value.Elem().SetZero()
	n.cells.Put(c)
}

// mapHeader appends what is before the entries of a map.
func (w *packer) mapHeader(dst []byte, entries int, entry uintptr) ([]byte, error) {
	if err := w.enter(); err != nil {
		return dst, err
	}
	w.held += entries * int(entry+mapEntry)
	return appendMapLen(dst, entries), nil
}

func (w *packer) mapping(dst []byte, n *packNode, p unsafe.Pointer) ([]byte, error) {
	m := reflect.NewAt(n.typ, p).Elem()
	if m.IsNil() {
		return append(dst, codeNil), nil
	}
	dst, err := w.mapHeader(dst, m.Len(), n.key.size+n.elem.size)
	if err != nil {
		return dst, err
	}
	c := n.cells.Get().(*mapCells)
	defer c.release(n)
	for c.iter.Reset(m); c.iter.Next(); {
		c.key.Elem().SetIterKey(&c.iter)
		c.value.Elem().SetIterValue(&c.iter)
		key := len(dst)
		if dst, err = w.value(dst, n.key, c.key.UnsafePointer()); err != nil {
			return dst, err
		}
		if (w.inAny || n.key.op == packAny) && isMany(dst[key]) {
			return dst, fmt.Errorf("codec: a %v with a key that is an array or a map as MessagePack is not written, because it could not be read back", n.typ)
		}
		if dst, err = w.value(dst, n.elem, c.value.UnsafePointer()); err != nil {
			return dst, err
		}
	}
	w.leave()
	return dst, nil
}

func (w *packer) mapStringString(dst []byte, m map[string]string) ([]byte, error) {
	if m == nil {
		return append(dst, codeNil), nil
	}
	dst, err := w.mapHeader(dst, len(m), 2*unsafe.Sizeof(""))
	if err != nil {
		return dst, err
	}
	for k, v := range m {
		dst = appendString(appendString(dst, k), v)
	}
	w.leave()
	return dst, nil
}

func (w *packer) mapStringAny(dst []byte, m map[string]any) ([]byte, error) {
	if m == nil {
		return append(dst, codeNil), nil
	}
	dst, err := w.mapHeader(dst, len(m), unsafe.Sizeof("")+unsafe.Sizeof(any(nil)))
	if err != nil {
		return dst, err
	}
	for k, v := range m {
		if dst, err = w.any(appendString(dst, k), v); err != nil {
			return dst, err
		}
	}
	w.leave()
	return dst, nil
}

// isMany reports whether the value that begins with c is an array or a map.
func isMany(c byte) bool { return leads[c] >= leadFixArray }

// entries reads what is before the entries of a map, -1 if it is nil.
func (r *unpacker) entries(n *packNode) (int, *unreadable) {
	c := r.b[r.pos]
	count, ok := r.count(leadFixMap)
	switch {
	case !ok:
		return 0, mismatch(n.typ, c)
	case count < 0:
		return count, nil
	}
	return count, r.charge(count, n.key.size+n.elem.size+mapEntry)
}

func (r *unpacker) mapping(n *packNode, p unsafe.Pointer) *unreadable {
	count, err := r.entries(n)
	if err != nil || count < 0 {
		return err
	}
	m := reflect.MakeMapWithSize(n.typ, count)
	reflect.NewAt(n.typ, p).Elem().Set(m)
	c := n.cells.Get().(*mapCells)
	defer c.release(n)
	for range count {
		if err := r.value(n.key, c.key.UnsafePointer()); err != nil {
			return err
		}
		if n.dynamic && !c.key.Elem().Comparable() {
			return errHash
		}
		if err := r.value(n.elem, c.value.UnsafePointer()); err != nil {
			return err
		}
		m.SetMapIndex(c.key.Elem(), c.value.Elem())
		c.key.Elem().SetZero()
		c.value.Elem().SetZero()
	}
	return nil
}

func (r *unpacker) mapStringString(n *packNode, p *map[string]string) *unreadable {
	count, err := r.entries(n)
	if err != nil || count < 0 {
		return err
	}
	m := make(map[string]string, count)
	*p = m
	for range count {
		c := r.b[r.pos]
		b, ok := r.bytes()
		if !ok {
			return mismatch(n.key.typ, c)
		}
		k := r.string(b)
		c = r.b[r.pos]
		if b, ok = r.bytes(); !ok {
			return mismatch(n.elem.typ, c)
		}
		m[k] = r.string(b)
	}
	return nil
}

func (r *unpacker) mapStringAny(n *packNode, p *map[string]any) *unreadable {
	count, err := r.entries(n)
	if err != nil || count < 0 {
		return err
	}
	*p = make(map[string]any, count)
	left, err := r.anyEntries(*p, count)
	if left > 0 && err == nil {
		return mismatch(n.key.typ, r.b[r.pos])
	}
	return err
}
