//! How much memory a build takes: what its ELF file says, and what it measured itself in a whole login.

use std::fs;

use object::{elf, Object, ObjectSection, SectionFlags};

use crate::board::{Build, Ended};

/// Bytes of memory.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Code, constants, and the first values of variables.
    pub flash: u64,
    /// Variables, among them the futures of the tasks; without the heap.
    pub variables: u64,
    /// The most of the heap that was in use, with what the allocator adds to each block.
    pub heap: u64,
    /// The most of the stack that was in use.
    pub stack: u64,
}

impl Memory {
    /// Of a build, and one run of it.
    pub fn of(build: Build, run: &Ended) -> Self {
        let program = fs::read(build.program()).expect("the firmware can be read");
        let program = object::File::parse(&*program).expect("the firmware is an ELF file");
        let (mut flash, mut variables) = (0, 0);
        for section in program.sections() {
            let SectionFlags::Elf { sh_flags } = section.flags() else { panic!("no ELF section") };
            if sh_flags & u64::from(elf::SHF_ALLOC) == 0 {
                continue;
            }
            if section.file_range().is_some() {
                flash += section.size();
            }
            if sh_flags & u64::from(elf::SHF_WRITE) != 0 {
                variables += section.size();
            }
        }
        let heap_size: u64 =
            run.said("heap: ").and_then(|line| line.split(' ').nth(2)).expect("the size").parse().expect("a number");
        Self { flash, variables: variables - heap_size, heap: run.number("heap: "), stack: run.number("stack: ") }
    }
}
