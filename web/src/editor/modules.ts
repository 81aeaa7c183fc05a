/** The engine's modules and what they offer, for completion. Types are told as YARA's documentation names them. */

export interface Member {
  /** Its type, or what a call gives. */
  readonly is: string
  /** The parameters of a function. */
  readonly call?: string
  /** The fields of a structure, or of each element of an array. */
  readonly members?: Readonly<Record<string, Member>>
}

interface Module {
  readonly about: string
  readonly members: Readonly<Record<string, Member>>
}

const integer: Member = { is: 'integer' }
const float: Member = { is: 'float' }
const text: Member = { is: 'string' }
const bool: Member = { is: 'bool' }
const dictionary: Member = { is: 'dictionary of strings' }
const fn = (call: string, is: string): Member => ({ call, is })
const array = (members: Readonly<Record<string, Member>>): Member => ({ is: 'array', members })
const record = (members: Readonly<Record<string, Member>>): Member => ({ is: 'structure', members })
const all = (member: Member, names: string): Record<string, Member> =>
  Object.fromEntries(names.split(' ').map((name) => [name, member]))

const digest = (name: string): Record<string, Member> => ({ [name]: fn('offset, size | string', 'string') })

export const modules: Readonly<Record<string, Module>> = {
  pe: {
    about: 'Windows programs: headers, sections, imports, exports, resources, signatures',
    members: {
      ...all(bool, 'is_pe is_signed'),
      is_dll: fn('', 'bool'),
      is_32bit: fn('', 'bool'),
      is_64bit: fn('', 'bool'),
      ...all(
        integer,
        'machine number_of_sections timestamp pointer_to_symbol_table number_of_symbols size_of_optional_header characteristics entry_point entry_point_raw image_base section_alignment file_alignment win32_version_value size_of_image size_of_headers checksum subsystem dll_characteristics size_of_code size_of_initialized_data size_of_uninitialized_data base_of_code number_of_rva_and_sizes loader_flags number_of_resources number_of_imports number_of_imported_functions number_of_exports number_of_signatures number_of_version_infos export_timestamp resource_timestamp opthdr_magic',
      ),
      ...all(text, 'pdb_path dll_name'),
      linker_version: record(all(integer, 'major minor')),
      os_version: record(all(integer, 'major minor')),
      image_version: record(all(integer, 'major minor')),
      subsystem_version: record(all(integer, 'major minor')),
      resource_version: record(all(integer, 'major minor')),
      version_info: dictionary,
      overlay: record(all(integer, 'offset size')),
      rich_signature: record({
        ...all(integer, 'offset length key'),
        ...all(text, 'raw_data clear_data version_data'),
        version: fn('version, [toolid]', 'integer'),
        toolid: fn('toolid, [version]', 'integer'),
      }),
      sections: array({
        ...all(text, 'name full_name'),
        ...all(
          integer,
          'characteristics virtual_address virtual_size raw_data_offset raw_data_size pointer_to_relocations pointer_to_line_numbers number_of_relocations number_of_line_numbers',
        ),
      }),
      data_directories: array(all(integer, 'virtual_address size')),
      resources: array({
        ...all(integer, 'rva offset length type id language'),
        ...all(text, 'type_string name_string language_string'),
      }),
      import_details: array({
        library_name: text,
        number_of_functions: integer,
        functions: array({ name: text, ordinal: integer, rva: integer }),
      }),
      export_details: array({ name: text, forward_name: text, ordinal: integer, offset: integer, rva: integer }),
      signatures: array({
        ...all(text, 'subject issuer serial thumbprint algorithm algorithm_oid digest digest_alg file_digest'),
        ...all(integer, 'version not_before not_after number_of_certificates number_of_countersignatures'),
        verified: bool,
        valid_on: fn('timestamp', 'bool'),
      }),
      imports: fn('dll, [function]', 'bool'),
      import_rva: fn('dll, function', 'integer'),
      delayed_import_rva: fn('dll, function', 'integer'),
      exports: fn('function', 'bool'),
      exports_index: fn('function', 'integer'),
      imphash: fn('', 'string'),
      section_index: fn('name | address', 'integer'),
      rva_to_offset: fn('address', 'integer'),
      calculate_checksum: fn('', 'integer'),
      language: fn('code', 'bool'),
      locale: fn('code', 'bool'),
      ...all(
        integer,
        'MACHINE_I386 MACHINE_AMD64 MACHINE_ARM MACHINE_ARM64 SUBSYSTEM_NATIVE SUBSYSTEM_WINDOWS_GUI SUBSYSTEM_WINDOWS_CUI DLL EXECUTABLE_IMAGE DYNAMIC_BASE NX_COMPAT SECTION_CNT_CODE SECTION_MEM_EXECUTE SECTION_MEM_READ SECTION_MEM_WRITE RESOURCE_TYPE_RCDATA RESOURCE_TYPE_VERSION RESOURCE_TYPE_ICON RESOURCE_TYPE_MANIFEST',
      ),
    },
  },
  elf: {
    about: 'Programs and libraries of Linux and its kin',
    members: {
      ...all(
        integer,
        'type machine entry_point sh_offset sh_entry_size number_of_sections ph_offset ph_entry_size number_of_segments dynamic_section_entries symtab_entries dynsym_entries',
      ),
      sections: array({ name: text, ...all(integer, 'type address size offset flags') }),
      segments: array(
        all(integer, 'type flags offset virtual_address physical_address file_size memory_size alignment'),
      ),
      dynamic: array(all(integer, 'type val')),
      symtab: array({ name: text, ...all(integer, 'type bind value size shndx') }),
      dynsym: array({ name: text, ...all(integer, 'type bind value size shndx') }),
      telfhash: fn('', 'string'),
      import_md5: fn('', 'string'),
      ...all(
        integer,
        'ET_REL ET_EXEC ET_DYN ET_CORE EM_386 EM_X86_64 EM_ARM EM_AARCH64 EM_MIPS EM_PPC PT_LOAD PT_DYNAMIC PT_INTERP SHT_PROGBITS SHT_SYMTAB SHT_STRTAB SHT_DYNAMIC',
      ),
    },
  },
  macho: {
    about: 'Programs and libraries of macOS and iOS',
    members: {
      ...all(
        integer,
        'magic cputype cpusubtype filetype ncmds sizeofcmds flags number_of_segments entry_point stack_size fat_magic nfat_arch',
      ),
      segments: array({
        segname: text,
        ...all(integer, 'vmaddr vmsize fileoff fsize maxprot initprot nsects flags'),
        sections: array({
          sectname: text,
          segname: text,
          ...all(integer, 'addr size offset align reloff nreloc flags'),
        }),
      }),
      dylibs: array({ name: text, ...all(integer, 'timestamp compatibility_version current_version') }),
      rpaths: { is: 'array of strings' },
      entitlements: { is: 'array of strings' },
      file: array(all(integer, 'magic cputype cpusubtype filetype ncmds flags entry_point')),
      has_entitlement: fn('name', 'bool'),
      has_dylib: fn('name', 'bool'),
      has_rpath: fn('path', 'bool'),
      entry_point_for_arch: fn('type, [subtype]', 'integer'),
      ...all(integer, 'MH_EXECUTE MH_DYLIB MH_BUNDLE CPU_TYPE_X86 CPU_TYPE_X86_64 CPU_TYPE_ARM CPU_TYPE_ARM64'),
    },
  },
  dotnet: {
    about: '.NET assemblies: metadata, streams, resources',
    members: {
      is_dotnet: bool,
      ...all(text, 'version module_name typelib'),
      ...all(
        integer,
        'number_of_streams number_of_guids number_of_resources number_of_classes number_of_assembly_refs number_of_modulerefs number_of_user_strings number_of_constants number_of_field_offsets',
      ),
      assembly: record({
        name: text,
        culture: text,
        version: record(all(integer, 'major minor build_number revision_number')),
      }),
      streams: array({ name: text, offset: integer, size: integer }),
      guids: { is: 'array of strings' },
      user_strings: { is: 'array of strings' },
      modulerefs: { is: 'array of strings' },
      constants: { is: 'array of strings' },
      resources: array({ name: text, offset: integer, length: integer }),
      assembly_refs: array({ name: text, public_key_or_token: text }),
      classes: array({ ...all(text, 'fullname name namespace visibility type'), ...all(bool, 'abstract sealed') }),
    },
  },
  hash: {
    about: 'Digests of the file or of a part of it',
    members: {
      ...digest('md5'),
      ...digest('sha1'),
      ...digest('sha256'),
      crc32: fn('offset, size | string', 'integer'),
      checksum32: fn('offset, size | string', 'integer'),
    },
  },
  math: {
    about: 'Entropy and other statistics of bytes',
    members: {
      entropy: fn('offset, size | string', 'float'),
      mean: fn('offset, size | string', 'float'),
      deviation: fn('offset, size, mean | string, mean', 'float'),
      serial_correlation: fn('offset, size | string', 'float'),
      monte_carlo_pi: fn('offset, size | string', 'float'),
      in_range: fn('value, lower, upper', 'bool'),
      max: fn('a, b', 'integer'),
      min: fn('a, b', 'integer'),
      abs: fn('value', 'integer'),
      count: fn('byte, [offset, size]', 'integer'),
      percentage: fn('byte, [offset, size]', 'float'),
      mode: fn('[offset, size]', 'integer'),
      to_number: fn('bool', 'integer'),
      to_string: fn('number, [base]', 'string'),
      MEAN_BYTES: float,
    },
  },
  string: {
    about: 'Lengths and numbers of texts',
    members: { to_int: fn('text, [base]', 'integer'), length: fn('text', 'integer') },
  },
  time: { about: 'The present time', members: { now: fn('', 'integer') } },
  console: {
    about: 'Messages while a rule runs, for trying it',
    members: { log: fn('[message], value', 'bool'), hex: fn('[message], integer', 'bool') },
  },
  lnk: {
    about: 'Windows shortcuts',
    members: {
      is_lnk: bool,
      ...all(text, 'name relative_path working_dir cmd_line_args icon_location local_base_path volume_label'),
      ...all(
        integer,
        'creation_time access_time write_time file_size icon_index drive_type overlay_offset overlay_size',
      ),
    },
  },
}
