package codec

import (
	"reflect"
	"unsafe"
)

func (r *unpacker) pointer(n *packNode, p unsafe.Pointer) *unreadable {
	if r.b[r.pos] == codeNil {
		r.pos++
		*(*unsafe.Pointer)(p) = nil
		return nil
	}
	if err := r.charge(1, n.elem.size); err != nil {
		return err
	}
	elem := reflect.New(n.elem.typ).UnsafePointer()
	*(*unsafe.Pointer)(p) = elem
	return r.value(n.elem, elem)
}

func (r *unpacker) slice(n *packNode, p unsafe.Pointer) *unreadable {
	c := r.b[r.pos]
	count, ok := r.count(leadFixArray)
	if !ok {
		return mismatch(n.typ, c)
	}
	s := (*[]struct{})(p) // its header alone is looked at
	*s = nil
	switch {
	case count < 0:
		return nil
	case count == 0:
		*s = []struct{}{}
		return nil
	}
	if err := r.charge(count, n.elem.size); err != nil {
		return err
	}
	if n.elem.op == packString {
		*(*[]string)(p) = make([]string, count)
	} else {
		// Only reflection can allocate for a type that is known at run time.
		v := reflect.NewAt(n.typ, p).Elem()
		v.Grow(count)
		v.SetLen(count)
	}
	return r.elements(n.elem, unsafe.Pointer(unsafe.SliceData(*s)), count)
}

func (r *unpacker) array(n *packNode, p unsafe.Pointer) *unreadable {
	c := r.b[r.pos]
	count, ok := r.count(leadFixArray)
	switch {
	case !ok:
		return mismatch(n.typ, c)
	case count > n.len:
		return errOverlong
	}
	return r.elements(n.elem, p, count)
}

// elements sets the count variables at p.
func (r *unpacker) elements(elem *packNode, p unsafe.Pointer, count int) *unreadable {
	for i := range count {
		if err := r.value(elem, unsafe.Add(p, uintptr(i)*elem.size)); err != nil {
			return err
		}
	}
	return nil
}

func (r *unpacker) byteArray(n *packNode, p unsafe.Pointer) *unreadable {
	c := r.b[r.pos]
	b, ok := r.bytes()
	switch {
	case !ok:
		return mismatch(n.typ, c)
	case len(b) > n.len:
		return errOverlong
	}
	copy(unsafe.Slice((*byte)(p), n.len), b)
	return nil
}

// record reads a struct: a map by name, an array of all fields, or nil.
func (r *unpacker) record(n *packNode, p unsafe.Pointer) *unreadable {
	c := r.b[r.pos]
	count, ok := r.count(leadFixMap)
	switch {
	case count < 0 && ok: // nil
		return nil
	case ok:
		return r.fields(n.fields, p, count)
	}
	r.pos--
	if count, ok = r.count(leadFixArray); !ok {
		return mismatch(n.typ, c)
	}
	switch {
	case count < n.fields.written && !r.missingAreZero:
		return missingField(n.fields.all[count].name)
	case count == 0:
		return nil
	case count != n.fields.written:
		return &unreadable{why: "an array has another number of elements than the struct has fields"}
	}
	for i := range count {
		if err := r.field(&n.fields.all[i], p); err != nil {
			return err
		}
	}
	return nil
}

// fields reads count names and values into the fields of the struct at p. It
// looks for each field behind the one before, which is where a struct's own
// encoding has it, and then by name. Only then it keeps account of the fields that it passes
// over.
func (r *unpacker) fields(f *packFields, p unsafe.Pointer, count int) *unreadable {
	next := 0
	var passed fieldSet // before next, always written, and not read yet
	for range count {
		if next < f.written {
			if field := &f.all[next]; field.isKey(r.b[r.pos:]) {
				next++
				r.pos += len(field.key)
				if err := r.field(field, p); err != nil {
					return err
				}
				continue
			}
		}
		name, ok := r.bytes()
		if !ok {
			return &unreadable{why: "a field's name is not a string"}
		}
		i, ok := f.index[string(name)]
		if !ok {
			r.skip()
			continue
		}
		field := &f.all[i]
		if next < i && next < f.written && f.all[next].before < field.before {
			f.pass(&passed, next, i)
		}
		if i < next || i >= f.written { // it may have been read before
			clearField(field, p)
			f.read(&passed, i)
		}
		next = max(next, i+1)
		if err := r.field(field, p); err != nil {
			return err
		}
	}
	if (next < f.needed || passed.low != 0 || passed.high != nil) && !r.missingAreZero {
		if name := f.missing(&passed, next); name != "" {
			return missingField(name)
		}
	}
	return nil
}

// pass adds the fields from one to another, this not included, that are always written.
func (fs *packFields) pass(passed *fieldSet, from, to int) {
	for i := from; i < min(to, fs.written); i++ {
		if fs.all[i].always {
			passed.add(i)
		}
	}
}

// read removes a field, or those that it stands for.
func (fs *packFields) read(passed *fieldSet, i int) {
	if i < fs.written {
		passed.remove(i)
		return
	}
	for of := fs.all[i].from; of < fs.all[i].to; of++ {
		passed.remove(of)
	}
}

func missingField(name string) *unreadable { return &unreadable{path: name, outdated: true} }

// skip moves behind the next value.
func (r *unpacker) skip() {
	r.pos, _, _ = scanValue(r.b, r.pos, 0) // scanned before
}

// field reads a field of the struct at p, and allocates the embedded structs it is
// in. nil, which is all that is written of a nil embedded pointer, leaves it nil.
func (r *unpacker) field(f *packField, p unsafe.Pointer) *unreadable {
	for _, hop := range f.via {
		embedded := (*unsafe.Pointer)(unsafe.Add(p, hop.off))
		if *embedded == nil {
			if r.b[r.pos] == codeNil {
				r.pos++
				return nil
			}
			if err := r.charge(1, hop.elem.Size()); err != nil {
				return err
			}
			*embedded = reflect.New(hop.elem).UnsafePointer()
		}
		p = *embedded
	}
	if err := r.value(f.node, unsafe.Add(p, f.off)); err != nil {
		return err.in(f.name)
	}
	return nil
}

// clearField sets a field to its zero value, so that of a name that comes twice
// the last value is read as if it were alone.
func clearField(f *packField, p unsafe.Pointer) {
	for _, hop := range f.via {
		if p = *(*unsafe.Pointer)(unsafe.Add(p, hop.off)); p == nil {
			return
		}
	}
	reflect.NewAt(f.node.typ, unsafe.Add(p, f.off)).Elem().SetZero()
}
