package records

// AtStep has do called at each step of a rotation.
func AtStep(s *Store, do func(step string)) { s.step = do }

// Steps are the steps of a rotation, in their order.
func Steps() []string {
	return []string{"copied telemetry", "copied core", "wrapped", "renewed", "committed", "closed"}
}
