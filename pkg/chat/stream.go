package chat

// Chunk is one step of a model's answer. Text may be empty. Exactly one Chunk of
// a complete stream has Stop set; what comes after it may carry only Usage.
type Chunk struct {
	Text string
	// Stop is the model's own reason, as it names it.
	Stop string
	// Usage is set on the chunk that carries the counts.
	Usage *Usage
}
