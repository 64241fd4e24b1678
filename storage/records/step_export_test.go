package records

// AtStep has do called at each step of Rotate and Forget.
func AtStep(s *Store, do func(step string)) { s.step = do }

// Steps are the steps of a rotation, in their order.
func Steps() []string {
	return []string{"copied telemetry", "copied core", "wrapped", "renewed", "committed", "closed"}
}

// ForgetSteps are the steps of a forgetting, in their order; before all but the first
// it counts already.
func ForgetSteps() []string {
	return []string{"shredding", "shredded", "erased", "emptied", "struck off"}
}
