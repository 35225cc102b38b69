package collection

var (
	listPushFront    = command{op: "PushFront", name: "lpush", group: 1}
	listPushBack     = command{op: "PushBack", name: "rpush", group: 1}
	listInsertBefore = command{op: "InsertBefore", name: "linsert"}
	listInsertAfter  = command{op: "InsertAfter", name: "linsert"}
	listPopFront     = command{op: "PopFront", name: "lpop"}
	listPopBack      = command{op: "PopBack", name: "rpop"}
	listAt           = command{op: "At", name: "lindex"}
	listRange        = command{op: "Range", name: "lrange"}
	listTrim         = command{op: "Trim", name: "ltrim"}
	listLen          = command{op: "Len", name: "llen"}
	listAll          = command{op: opAll, name: "lrange"}
)

func (l *List[K, E]) push(cmd command, key K, elems []E) operation[int] {
	if len(elems) == 0 {
		return l.length(listLen, key)
	}
	return operation[int]{l.add(l.write(cmd, key), elems...), number}
}

func (l *List[K, E]) insert(cmd command, where string, key K, pivot, e E) operation[int] {
	return operation[int]{l.add(l.write(cmd, key).arg(where), pivot, e), inserted}
}

// inserted decodes the length after an insertion: Redis's -1 says that there was no pivot.
func inserted(r *request) (int, error) {
	n, err := number(r)
	return max(n, 0), err
}

func (l *List[K, E]) at(key K, index int) operation[Found[E]] {
	return operation[Found[E]]{l.read(listAt, key).arg(index), l.maybe}
}

func (l *List[K, E]) slice(key K, first, last int) operation[[]E] {
	return operation[[]E]{l.read(listRange, key).arg(first).arg(last), l.several}
}

func (l *List[K, E]) trim(key K, first, last int) operation[struct{}] {
	return operation[struct{}]{l.write(listTrim, key).arg(first).arg(last), discard}
}

func (l *List[K, E]) pageOf(key K, first int) operation[paged[E]] {
	decode := func(r *request) (p paged[E], _ error) {
		p.values, p.failed = l.parseAll(r.parts())
		p.first = first
		return p, nil
	}
	return operation[paged[E]]{l.read(listAll, key).arg(first).arg(first + page - 1), decode}
}
