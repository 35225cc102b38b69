package codec

// Bytes stores a byte slice as it is. Decoding copies; nil and empty are both no
// bytes and come back empty, not nil.
func Bytes[B ~[]byte]() StringCodec[B] {
	return String[B](bytesValue[B]{})
}

type bytesValue[B ~[]byte] struct{}

func (bytesValue[B]) AppendValue(dst []byte, v B) ([]byte, error) {
	return append(dst, v...), nil
}

func (bytesValue[B]) ParseValue(src []byte, v *B) error {
	*v = append(B{}, src...)
	return nil
}
