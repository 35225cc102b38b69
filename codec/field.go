package codec

// A Field names one field of a T whose codec has ShapeHash. Package hashmap makes them.
type Field[T any] interface {
	Checker // asked before the hash is read or written

	// Codec returns the codec that the field is of. A cache or collection compares it with
	// its own: a field of another mapping may have another form.
	Codec() Codec[T]

	// FieldName returns the field's name in the hash.
	FieldName() string
}

// A FieldReader is a destination for one field of a T whose codec has ShapeHash:
// a read of chosen fields uses it. Package hashmap makes them.
//
// A FieldReader belongs to one call: it is not safe for concurrent use.
type FieldReader[T any] interface {
	Field[T]

	// ParseField sets the destination from the field's bytes, by the rules of
	// Value.ParseValue. Bytes that cannot be read are an error.
	ParseField(src []byte) error

	// ClearField sets the destination to its zero value: the hash has no such field.
	ClearField()
}

// An AlwaysStored is a Field that may know that every hash of its codec has it. A read of
// chosen fields that does not find such a one has found an entry of another version.
type AlwaysStored interface {
	AlwaysStored() bool
}

// A FieldAppender is a new value for one field of a T whose codec has ShapeHash:
// a write of chosen fields uses it. Package hashmap makes them. It is safe for concurrent use.
type FieldAppender[T any] interface {
	Field[T]

	// AppendField appends the field's bytes to dst and returns the longer slice. ok
	// is false when the value is stored as no field (a nil pointer, say): a field of
	// that name must then be removed. If ok is false, or on an error, dst is
	// returned as it was.
	AppendField(dst []byte) (b []byte, ok bool, err error)
}
