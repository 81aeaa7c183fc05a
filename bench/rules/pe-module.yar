// What the pe module says.
import "pe"

rule BenchPe {
  condition:
    pe.is_pe and pe.number_of_sections > 3 and pe.machine == pe.MACHINE_AMD64
}
